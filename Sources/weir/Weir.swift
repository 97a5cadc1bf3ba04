import CommandLineTool

@main
struct Weir {
    static func main() {
        CommandLineProgram.main()
    }
}
