/// A text that may not stand in the code of some folders.
///
/// To allow one exception, add `tidy:allow` and the reason to the line. To change a rule, change this table and
/// CONTRIBUTING.md in the same commit.
struct Ban: Sendable, CustomStringConvertible {
    /// What a line must contain for the pattern to be tried: searching for text is much faster.
    let text: String

    /// A regular expression over the code of a line, without comments and contents of strings.
    let pattern: String
    let instead: String
    let folders: [String]

    /// Paths that begin with one of these are free of the rule.
    var except: [String] = []

    var description: String { "\(self.pattern) in \(self.folders.count) folders" }

    /// Layers 0 to 2: the same result on every run, no input or output, no waiting.
    static let pure = [
        "CoreTypes", "WireFormat", "RaftCore", "GossipCore", "FluentSyntax", "JobPlan", "CoordinationCore",
        "ReplicatedTypes", "ConnectorKit", "Engine", "RegularExpressions", "Compression",
    ].map { "Sources/\($0)" }

    static let everywhere = ["Sources", "connectors"]

    /// Targets whose declarations other people's code sees.
    static let published = ["Sources/CoreTypes", "Sources/WireFormat", "Sources/ConnectorKit", "Sources/Simulation"]

    static let all = [
        Ban(
            text: "SystemRandomNumberGenerator",
            pattern: #"\bSystemRandomNumberGenerator\b"#,
            instead: "an injected SplitMix64",
            folders: pure
        ),
        Ban(text: ".random(in:", pattern: #"\.random\(in:(?!.*using:)"#, instead: "the using: form", folders: pure),
        Ban(text: ".shuffled()", pattern: #"\.shuffled\(\)"#, instead: ".shuffled(using:)", folders: pure),
        Ban(
            text: ".randomElement()",
            pattern: #"\.randomElement\(\)"#,
            instead: ".randomElement(using:)",
            folders: pure
        ),
        Ban(
            text: "Clock",
            pattern: #"\b(Continuous|Suspending)Clock\b"#,
            instead: "a tick or a time passed in",
            folders: pure
        ),
        Ban(text: "Date()", pattern: #"\bDate\(\)"#, instead: "a tick or a time passed in", folders: pure),
        Ban(
            text: "import ",
            pattern: #"import (Foundation|Dispatch|NIO)"#,
            instead: "the standard library",
            folders: pure
        ),
        Ban(text: "Mutex", pattern: #"\bMutex\b"#, instead: "a value that one thread owns", folders: pure),
        Ban(text: "NSLock", pattern: #"\bNSLock\b"#, instead: "a value that one thread owns", folders: pure),
        Ban(
            text: "DispatchQueue",
            pattern: #"\bDispatchQueue\b"#,
            instead: "a value that one thread owns",
            folders: pure
        ),
        Ban(
            text: "async",
            pattern: #"(?:^|[^.\w`])async\b"#,
            instead: "an effect that the service performs",
            folders: pure
        ),
        Ban(
            text: "await ",
            pattern: #"(?:^|[^.\w`])await +[\w(]"#,
            instead: "an effect that the service performs",
            folders: pure
        ),
        Ban(
            text: "Task",
            pattern: #"(?:^|[^.\w])Task *(\{|\()"#,
            instead: "an effect that the service performs",
            folders: pure
        ),
        Ban(text: "actor ", pattern: #"\bactor +[A-Z]"#, instead: "a value that a service owns", folders: pure),
        Ban(text: "Task.detached", pattern: #"\bTask\.detached\b"#, instead: "a child task", folders: everywhere),
        Ban(text: "try!", pattern: #"\btry!"#, instead: "try", folders: everywhere),
        Ban(text: "as!", pattern: #"\bas!"#, instead: "as? and a guard", folders: everywhere),
        Ban(
            text: "print(",
            pattern: #"(?:^|[^.\w])print\("#,
            instead: "a returned value, or the log",
            folders: everywhere,
            except: ["Sources/CommandLineTool"]
        ),
        Ban(
            text: "public ",
            pattern: #"(?:^|[^.\w`])(public) +(?!import)[a-z(]"#,
            instead: "package",
            folders: ["Sources"],
            except: published
        ),
        Ban(
            text: "sleep(",
            pattern: #"(?:^|\W)(u|nano)?sleep\("#,
            instead: "a condition to wait for",
            folders: everywhere + ["Tests"],
            except: ["Sources/Platform"]
        ),
    ]
}
