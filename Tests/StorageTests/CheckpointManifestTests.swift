import CoreTypes
import Testing

@testable import Storage

@Suite struct CheckpointManifestTests {
    @Test func `a manifest reads as plain facts`() {
        var manifest = CheckpointManifest(number: 7, job: "clicks", parallelism: 2, createdAt: 1_000, watermark: -1)
        manifest.operators = ["window": "window 10 every 5"]
        manifest.splits = [.init(name: "t/0", position: 42, latest: 9, isFinished: false)]
        manifest.deliveries = [.init(sink: "output", subtask: 1, token: "a/part")]
        let owner = StateOwner(operatorID: "window", subtask: 1)
        manifest.blobs = [.init(owner: owner, checkpoint: 5, file: "ab.blob", byteCount: 9, storedByteCount: 8)]
        manifest.pieces = [.init(owner: owner, checkpoint: 5, index: 2, name: "slice/-60", keyCount: 3)]

        let lines = manifest.text.split(separator: "\n").dropLast()

        #expect(
            Array(lines) == [
                "weir-checkpoint 2", "number 7", "job clicks", "parallelism 2", "savepoint 0", "created 1000",
                "watermark -1", "operator window window%2010%20every%205", "split t/0 42 9 0",
                "blob window 1 5 ab.blob 9 8", "piece window 1 5 2 slice/-60 3", "delivery output 1 a/part",
            ]
        )
    }

    @Test(arguments: 0..<UInt64(300))
    func `whatever it holds comes back`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let manifest = CheckpointManifest.random(&random)

        let parsed = try CheckpointManifest(parsing: Array(manifest.text.utf8))

        #expect(parsed == manifest, "seed \(seed)")
        // Texts that are equal may differ in their bytes.
        #expect(Array(parsed.text.utf8) == Array(manifest.text.utf8), "seed \(seed)")
    }

    @Test func `a manifest that is cut anywhere is refused`() {
        let bytes = Self.makeBytes()

        for count in 0..<bytes.count {
            #expect(throws: ManifestError.self, "cut to \(count)") {
                try CheckpointManifest(parsing: Array(bytes[..<count]))
            }
        }
    }

    @Test func `a manifest in which any byte is another is refused`() {
        var bytes = Self.makeBytes()

        for index in bytes.indices {
            let byte = bytes[index]
            for change in [0x01, 0x10, 0x20, 0x80] as [UInt8] {
                bytes[index] = byte ^ change
                #expect(throws: ManifestError.self, "byte \(index) changed by \(change)") {
                    try CheckpointManifest(parsing: bytes)
                }
            }
            bytes[index] = byte
        }
    }

    @Test(arguments: [
        ("number 0", "its number"), ("number x", "makes no sense"), ("parallelism 0", "makes no sense"),
        ("parallelism 65537", "makes no sense"), ("blob window 0 1 a%2Fb 1 1", "makes no sense"),
        ("blob window 0 1 a -1 1", "makes no sense"),
        ("blob window 0 0 a 1 1", "makes no sense"),
        ("blob window -1 1 a 1 1", "makes no sense"), ("piece window 0 1 -1 a 1", "makes no sense"),
        ("piece window 0 1 4294967296 a 1", "makes no sense"), ("piece window 0 0 0 a 1", "makes no sense"),
        ("split t/0 5 9", "makes no sense"),
        ("job %zz", "makes no sense"),
        ("job %C3", "makes no sense"), ("future 1", "makes no sense"), ("", "makes no sense"),
    ])
    func `facts that can't be are refused, also under a hash that matches`(line: String, reason: String) {
        let error = #expect(throws: ManifestError.self) {
            try CheckpointManifest(parsing: Self.signed(["number 1", "parallelism 1", line]))
        }

        #expect(error?.description.contains(reason) == true)
    }

    @Test func `the manifest of another version is refused`() {
        let body = "weir-checkpoint 1\nnumber 1\nparallelism 1\n"

        let error = #expect(throws: ManifestError.self) { try CheckpointManifest(parsing: Self.signed(body)) }

        #expect(error?.description == "line 1 of the manifest: another version of Weir wrote it")
    }
}

extension CheckpointManifestTests {
    private static func makeBytes() -> [UInt8] {
        var random = SplitMix64(seed: 11)
        return Array(CheckpointManifest.random(&random).text.utf8)
    }

    private static func signed(_ lines: [String]) -> [UInt8] {
        self.signed("weir-checkpoint 2\n" + lines.map { $0 + "\n" }.joined())
    }

    private static func signed(_ body: String) -> [UInt8] {
        Array((body + "end " + String(CheckpointManifest.hash(body.utf8), radix: 16) + "\n").utf8)
    }
}

extension CheckpointManifest {
    /// Names that somebody might have made up to break the format.
    private static let names = [
        "", " ", "%", "%20", "%%", "a b", "a\nb", "a\r\nb", "\r", "\u{0}", "\u{7F}", "end 0", "\nend 0\n", "blob x 0 y",
        "é", "e\u{301}", "日本/3", "\u{1F600}", "clicks/3", "../up", "a\tb", "number 5", "\u{FEFF}", "\u{85}\u{2028}",
    ]

    private static let numbers = [0, 1, -1, .min, .max, 1_700_000_000_000] as [Int64]

    static func random(_ random: inout SplitMix64) -> CheckpointManifest {
        func name() -> String {
            (0..<random.next(in: 1..<3)).map { _ in self.names[random.next(in: 0..<self.names.count)] }.joined()
        }
        func number() -> Int64 { self.numbers[random.next(in: 0..<self.numbers.count)] }
        var manifest = CheckpointManifest(
            number: Int64(random.next(in: 1..<1_000_000)),
            job: name(),
            parallelism: random.next(in: 1..<129),
            createdAt: number(),
            watermark: number()
        )
        manifest.isSavepoint = random.chance(percent: 50)
        for _ in 0..<random.next(in: 0..<4) { manifest.operators[name()] = name() }
        for _ in 0..<random.next(in: 0..<5) {
            let isFinished = random.chance(percent: 50)
            manifest.splits.append(.init(name: name(), position: number(), latest: number(), isFinished: isFinished))
        }
        for subtask in 0..<random.next(in: 0..<5) {
            let owner = StateOwner(operatorID: name(), subtask: subtask)
            let checkpoint = Int64(random.next(in: 1..<1_000_000))
            manifest.blobs.append(
                Blob(
                    owner: owner,
                    checkpoint: checkpoint,
                    file: name().filter { $0 != "/" },
                    byteCount: Int64(random.next(in: 0..<1_000_000)),
                    storedByteCount: Int64(random.next(in: 0..<1_000_000))
                )
            )
            for index in 0..<random.next(in: 0..<3) {
                let keyCount = Int64(random.next(in: 0..<1_000_000))
                manifest.pieces.append(
                    Piece(owner: owner, checkpoint: checkpoint, index: index, name: name(), keyCount: keyCount)
                )
            }
            manifest.deliveries.append(.init(sink: name(), subtask: subtask, token: name()))
        }
        return manifest
    }
}
