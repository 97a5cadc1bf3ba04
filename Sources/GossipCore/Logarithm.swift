import Glibc

enum Logarithm {
    static func ofTen(_ number: Int) -> Double { log10(Double(number)) }
}
