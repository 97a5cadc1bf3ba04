// swift-tools-version: 6.2
import PackageDescription

/// The settings every target compiles with: change them here, never per target.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
]

/// A target of `Sources/` with the package's settings.
func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A connector: a folder of `connectors/`, which is all of it.
func connector(
    _ folder: String,
    _ name: String,
    _ dependencies: [Target.Dependency] = [],
    testKit: [Target.Dependency] = []
) -> [Target] {
    [
        .target(
            name: name,
            dependencies: ["ConnectorKit", "CoreTypes"] + dependencies,
            path: "connectors/\(folder)/Sources",
            swiftSettings: strict
        ),
        .testTarget(
            name: "\(name)Tests",
            dependencies: [.target(name: name), "ConnectorKit", "CoreTypes"] + dependencies + testKit,
            path: "connectors/\(folder)/Tests",
            swiftSettings: strict
        ),
    ]
}

/// A test target of `Tests/`.
func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: resources, swiftSettings: strict)
}

let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let vocabulary: [Target] = [
    target("CoreTypes"),
    target("WireFormat", ["CoreTypes"]),
]

let cores: [Target] = [
    target("RaftCore", ["CoreTypes"]),
    target("Linearizability", ["CoreTypes"]),
    target("GossipCore", ["CoreTypes"]),
    target("FluentSyntax", ["CoreTypes"]),
    target("JobPlan", ["CoreTypes", "FluentSyntax"]),
    target("CoordinationCore", ["CoreTypes", "JobPlan"]),
]

let cLibraries: [Target] = [
    .target(name: "CKernels", linkerSettings: [.linkedLibrary("m")]),
    .target(name: "CPlatform"),
    .target(name: "CRocksdb"),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CRdkafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .systemLibrary(name: "CPcre2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
]

let dataPath: [Target] = [
    target("ConnectorKit", ["CoreTypes"]),
    target("RegularExpressions", ["CPcre2"]),
    target("Compression", ["CZstd", "CZlib"]),
    target(
        "Engine",
        ["CoreTypes", "WireFormat", "FluentSyntax", "JobPlan", "ConnectorKit", "RegularExpressions", "CKernels"]
    ),
]

let platform: [Target] = [
    target("Environment", ["CoreTypes"]),
    target("Platform", ["CoreTypes", "Environment", "CPlatform"]),
    target("RaftStorage", ["CoreTypes", "RaftCore", "Environment", "Compression"]),
    target(
        "Storage",
        [
            "CoreTypes", "WireFormat", "CoordinationCore", "Environment", "Compression", "ConnectorKit", "Engine",
            "CRocksdb",
        ]
    ),
]

let services: [Target] = [
    target(
        "WorkerService",
        [
            "CoreTypes", "WireFormat", "JobPlan", "CoordinationCore", "Engine", "ConnectorKit", "Environment",
            "Platform", "Storage",
        ]
    ),
    target(
        "JobService",
        [
            "CoreTypes", "FluentSyntax", "JobPlan", "CoordinationCore", "ConnectorKit", "Engine", "Environment",
            "Platform", "Storage", "WorkerService",
        ]
    ),
    target(
        "ProgramService",
        [
            "CoreTypes", "FluentSyntax", "JobPlan", "CoordinationCore", "ConnectorKit", "Engine", "Environment",
            "Platform", "Storage", "WorkerService", "JobService",
        ]
    ),
]

let programs: [Target] = [
    target(
        "ConnectorCatalog",
        ["ConnectorKit", "FilesConnector", "StdoutConnector", "GeneratorConnector", "KafkaConnector"]
    ),
    target(
        "CommandLineTool",
        [
            "CoreTypes", "FluentSyntax", "JobPlan", "CoordinationCore", "Engine", "ConnectorKit", "ConnectorCatalog",
            "Environment", "Linearizability", "Platform", "Storage", "WorkerService", "JobService", "ProgramService",
            arguments,
        ]
    ),
    .executableTarget(name: "weir", dependencies: ["CommandLineTool"], swiftSettings: strict),
]

/// What users and tests run cores in: a world that a seed draws.
let testSupport: [Target] = [
    target("Simulation", ["CoreTypes", "RaftCore", "Linearizability", "Environment", "RaftStorage"])
]

let connectors: [Target] =
    connector("files", "FilesConnector", ["Compression"])
    + connector("stdout", "StdoutConnector")
    + connector("generator", "GeneratorConnector")
    + connector("kafka", "KafkaConnector", ["CRdkafka", "RegularExpressions"], testKit: ["KafkaTestKit"])

let testTargets: [Target] = [
    tests("CoreTypesTests", ["CoreTypes"]),
    tests("RaftCoreTests", ["RaftCore", "CoreTypes"], resources: ["Scenarios"]),
    tests("GossipCoreTests", ["GossipCore", "CoreTypes"]),
    tests("LinearizabilityTests", ["Linearizability", "CoreTypes"]),
    tests("RaftStorageTests", ["RaftStorage", "RaftCore", "Simulation", "Environment", "CoreTypes"]),
    tests("SimulationTests", ["Simulation", "RaftCore", "Linearizability", "CoreTypes"]),
    .executableTarget(
        name: "simulate",
        dependencies: ["Simulation", "RaftCore", "Linearizability"],
        path: "Tests/Simulate",
        swiftSettings: strict
    ),
    tests("WireFormatTests", ["WireFormat", "CoreTypes"]),
    .target(
        name: "ReferenceInterpreter",
        dependencies: ["CoreTypes", "FluentSyntax", "RegularExpressions", "Engine"],
        path: "Tests/ReferenceInterpreter",
        swiftSettings: strict
    ),
    .target(
        name: "EngineTestKit",
        dependencies: [
            "CoreTypes", "WireFormat", "FluentSyntax", "JobPlan", "ConnectorKit", "Engine", "Environment",
        ],
        path: "Tests/EngineTestKit",
        swiftSettings: strict
    ),
    .target(
        name: "OracleWorlds",
        dependencies: [
            "CoreTypes", "FluentSyntax", "JobPlan", "ConnectorKit", "WireFormat", "Engine", "ReferenceInterpreter",
        ],
        path: "Tests/OracleWorlds",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "oracle",
        dependencies: ["OracleWorlds", "ReferenceInterpreter"],
        path: "Tests/Oracle",
        swiftSettings: strict
    ),
    tests(
        "DifferentialTests",
        ["CoreTypes", "FluentSyntax", "JobPlan", "Engine", "ReferenceInterpreter", "OracleWorlds"]
    ),
    tests(
        "LanguageReferenceTests",
        [
            "ConnectorCatalog", "ConnectorKit", "CoordinationCore", "CoreTypes", "FluentSyntax", "JobPlan",
            "JobService", "ProgramService", "ReferenceInterpreter",
        ]
    ),
    tests("RegularExpressionsTests", ["RegularExpressions"]),
    tests("JobPlanTests", ["JobPlan", "FluentSyntax", "CoreTypes"]),
    tests("CoordinationCoreTests", ["CoordinationCore", "JobPlan", "CoreTypes"]),
    tests("FluentSyntaxTests", ["FluentSyntax", "CoreTypes"], resources: ["Fixtures"]),
    tests(
        "CommandLineToolTests",
        [
            "CommandLineTool", "CoreTypes", "CoordinationCore", "FluentSyntax", "JobService", "Platform",
            "ProgramService",
        ],
        resources: ["Golden"]
    ),
    tests(
        "EngineTests",
        [
            "Engine", "EngineTestKit", "FluentSyntax", "JobPlan", "CoreTypes", "ConnectorKit", "WireFormat",
            "RegularExpressions", "Environment", "Platform", "Storage",
        ]
    ),
    tests("TidyTests", []),
    tests("CompressionTests", ["Compression", "CoreTypes"]),
    tests("PlatformTests", ["CoreTypes", "Environment", "Platform"]),
    tests(
        "StorageTests",
        ["CoreTypes", "ConnectorKit", "Engine", "EngineTestKit", "Environment", "JobPlan", "Platform", "Storage"]
    ),
    tests(
        "WorkerServiceTests",
        [
            "WorkerService", "ConnectorKit", "CoordinationCore", "CoreTypes", "Engine", "EngineTestKit",
            "FluentSyntax", "JobPlan", "Platform", "WireFormat",
        ]
    ),
    tests(
        "JobServiceTests",
        [
            "JobService", "ConnectorKit", "CoordinationCore", "CoreTypes", "Engine", "EngineTestKit", "FluentSyntax",
            "JobPlan", "WorkerService",
        ]
    ),
    tests("ConnectorKitTests", ["ConnectorKit", "CoreTypes"]),
    tests("ConnectorCatalogTests", ["ConnectorCatalog", "ConnectorKit", "CoreTypes"]),
    tests("JobTests", ["ConnectorCatalog", "ConnectorKit", "CoreTypes", "FluentSyntax", "ProgramService"]),
    .target(name: "KafkaTestKit", dependencies: ["CRdkafka"], path: "Tests/KafkaTestKit", swiftSettings: strict),
    tests("IntegrationTests", ["CoreTypes", "CRdkafka", "KafkaTestKit"]),
]

/// A program without `main` that libFuzzer calls; built by `scripts/fuzz` alone, which sets the variable.
func fuzz(_ folder: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: "Fuzz\(folder)",
        dependencies: dependencies,
        path: "Fuzz/\(folder)/Sources",
        swiftSettings: strict + [.unsafeFlags(["-parse-as-library", "-sanitize=fuzzer"])],
        linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]
    )
}

let fuzzTargets: [Target] =
    Context.environment["WEIR_FUZZ"] == nil
    ? []
    : [
        fuzz("Program", ["FluentSyntax"]),
        fuzz("JSON", ["Engine"]),
        fuzz("CSV", ["Engine", "JobPlan"]),
        fuzz("Value", ["Engine"]),
        fuzz("Rows", ["Engine", "EngineTestKit", "WireFormat", "ConnectorKit", "Storage"]),
        fuzz("RaftLog", ["RaftStorage", "RaftCore", "Simulation", "CoreTypes"]),
    ]

let package = Package(
    name: "weir",
    products: [.executable(name: "weir", targets: ["weir"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
    ],
    targets: vocabulary + cores + cLibraries + dataPath + platform + services + programs + testSupport + connectors
        + testTargets + fuzzTargets
)
