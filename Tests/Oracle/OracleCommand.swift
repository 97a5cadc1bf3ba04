import Glibc
import OracleWorlds
import ReferenceInterpreter

/// Compares the programs of some seeds, for `scripts/oracle`, which runs many of these.
///
/// usage: oracle programs|maps FIRST COUNT, oracle show-program|show-map SEED
///
/// Prints `seed N` before each program, so that whoever reads along knows which one ends the process or never ends;
/// at the end `compared N`, and with maps `kernels N`. The first difference is printed as it is, and ends with status 1.
@main
enum OracleCommand {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.count == 2, let seed = UInt64(arguments[2]) {
            let program = ProgramGenerator.program(seed: seed)
            return print(arguments[1] == "show-map" ? "\(MapGenerator.map(seed: seed))" : "\(program)")
        }
        guard arguments.count == 3, let kind = arguments.first, let first = UInt64(arguments[2]),
            let count = UInt64(arguments[3]), ["programs", "maps"].contains(kind)
        else {
            print("usage: oracle programs|maps FIRST COUNT, oracle show-program|show-map SEED")
            exit(64)
        }
        kind == "maps" ? Self.compareMaps(first..<first + count) : Self.comparePrograms(first..<first + count)
    }

    private static func comparePrograms(_ seeds: Range<UInt64>) {
        var comparison = ProgramComparison()
        for seed in seeds {
            Self.tell("seed \(seed)")
            comparison.compare(seed..<seed + 1, with: MachineSubject.outcome)
            Self.stop(at: comparison.mismatches.first)
        }
        Self.tell("compared \(comparison.comparedCount)")
    }

    private static func compareMaps(_ seeds: Range<UInt64>) {
        var comparison = MapComparison()
        for seed in seeds {
            Self.tell("seed \(seed)")
            comparison.compare(seed..<seed + 1)
            Self.stop(at: comparison.mismatches.first)
        }
        Self.tell("compared \(comparison.comparedCount)")
        Self.tell("kernels \(comparison.kernelCount)")
    }

    private static func tell(_ line: String) {
        print(line)
        fflush(nil)
    }

    private static func stop(at mismatch: String?) {
        guard let mismatch else { return }
        Self.tell(mismatch)
        exit(1)
    }
}
