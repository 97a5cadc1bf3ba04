import Glibc
import Linearizability
import RaftCore
import Simulation

/// Runs seeds of the simulated cluster, for `scripts/simulate`, which runs many of these: a precondition that fails ends the
/// process, and the last line says which seed it was.
///
/// usage: simulate seeds FIRST COUNT [BUG], simulate show SEED [BUG], simulate shrink SEED [BUG], simulate replay FILE,
/// simulate mutants FIRST COUNT
///
/// A violation is printed with the schedule that replays it, and ends with status 1. BUG is one of the planted ones, whose names
/// `simulate mutants` tells.
@main
enum SimulateCommand {
    private static let usage = """
        usage: simulate seeds FIRST COUNT [BUG], simulate show SEED [BUG], simulate shrink SEED [BUG],
               simulate replay FILE, simulate mutants FIRST COUNT
        """

    /// Seeds of which one is run twice: both runs must come to the same.
    private static let repeatEvery: UInt64 = 16

    /// Lines of the log that `show` prints.
    private static let shownLines = 400

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let numbers = arguments.dropFirst().compactMap { UInt64($0) }
        switch (arguments.first, numbers.count) {
        case ("seeds", 2): Self.run(numbers[0]..<numbers[0] + numbers[1], Self.bug(arguments, at: 3))
        case ("show", 1): Self.show(numbers[0], Self.bug(arguments, at: 2))
        case ("shrink", 1): Self.shrink(numbers[0], Self.bug(arguments, at: 2))
        case ("mutants", 2): Self.huntAll(numbers[0]..<numbers[0] + numbers[1])
        case ("replay", _) where arguments.count == 2: Self.replay(arguments[1])
        default: Self.fail(Self.usage, status: 64)
        }
    }

    private static func bug(_ arguments: [String], at position: Int) -> PlantedBugs {
        guard arguments.count > position else { return [] }
        guard let planted = PlantedBugs.catalogue.first(where: { $0.name == arguments[position] }) else {
            Self.fail("simulate: there is no planted bug '\(arguments[position])'", status: 64)
        }
        return planted.bug
    }

    private static func run(_ seeds: Range<UInt64>, _ bugs: PlantedBugs) {
        let clock = ContinuousClock()
        let start = clock.now
        var virtual: Int64 = 0
        var unknownCount = 0
        var totals: [String: Int] = [:]
        for seed in seeds {
            Self.tell("seed \(seed)")
            let run = RaftRun.run(seed: seed, bugs: bugs)
            Self.stop(at: run)
            if seed.isMultiple(of: Self.repeatEvery), RaftRun.run(seed: seed, bugs: bugs).digest != run.digest {
                Self.fail("seed \(seed): two runs of it differ", status: 1)
            }
            virtual += run.virtualMicroseconds
            if run.linearizability == .unknown { unknownCount += 1 }
            for (name, count) in run.coverage.all { totals[name, default: 0] += count }
        }
        let seconds = start.duration(to: clock.now) / .seconds(1)
        Self.tell("ran \(seeds.count) seeds, \(virtual / 1_000_000) s simulated in \(Int(seconds * 1_000)) ms")
        Self.tell("histories whose search was given up: \(unknownCount)")
        for (name, count) in totals.sorted(by: { $0.key < $1.key }) { Self.tell("covered \(count) \(name)") }
    }

    private static func show(_ seed: UInt64, _ bugs: PlantedBugs) {
        let run = RaftRun.run(seed: seed, bugs: bugs, keepsLog: true)
        for line in run.eventLog.suffix(Self.shownLines) { print(line) }
        Self.stop(at: run)
        Self.tell("seed \(seed): no violation, digest \(run.digest)")
    }

    private static func shrink(_ seed: UInt64, _ bugs: PlantedBugs) {
        let run = RaftRun.run(seed: seed, bugs: bugs)
        guard let violation = run.violation else { return Self.tell("seed \(seed): no violation") }
        var shrinker = ScheduleShrinker()
        let schedule = shrinker.shrink(run)
        Self.tell("# \(run.schedule.faults.count) faults, \(schedule.faults.count) of them needed; \(violation)")
        Self.tell(schedule.text)
    }

    private static func replay(_ path: String) {
        guard let text = Self.contents(of: path) else { Self.fail("simulate: can't read '\(path)'", status: 66) }
        do throws(FaultScheduleError) {
            let run = RaftRun.run(try FaultSchedule(parsing: text))
            Self.stop(at: run)
            Self.tell("\(path): no violation, digest \(run.digest)")
        } catch {
            Self.fail("simulate: \(path): \(error)", status: 65)
        }
    }

    private static func huntAll(_ seeds: Range<UInt64>) {
        var missedCount = 0
        for (name, bug) in PlantedBugs.catalogue {
            let hunt = MutantHunt.hunt(name, bug, seeds: seeds)
            Self.tell("\(hunt)")
            if hunt.seed == nil { missedCount += 1 }
        }
        if missedCount > 0 { Self.fail("\(missedCount) planted bugs weren't found", status: 1) }
    }

    // MARK: Input and output

    /// Bytes of a schedule at most.
    private static let scheduleLimit = 1 << 20

    private static func contents(of path: String) -> String? {
        guard let file = unsafe fopen(path, "r") else { return nil }
        defer { unsafe fclose(file) }
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.scheduleLimit) { room, count in
            count = unsafe fread(room.baseAddress, 1, Self.scheduleLimit, file)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func stop(at run: RaftRun) {
        guard let violation = run.violation else { return }
        Self.tell("violation: \(violation)")
        Self.fail(run.schedule.text, status: 1)
    }

    private static func tell(_ line: String) {
        print(line)
        fflush(nil)
    }

    private static func fail(_ text: String, status: Int32) -> Never {
        Self.tell(text)
        exit(status)
    }
}
