import CoreTypes
import Testing

@testable import Engine

@Suite struct RejectedExamplesTests {
    @Test(arguments: 0..<UInt64(50))
    func `the first by file and offset are kept, in whatever order they come`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let records = (0..<40).map { number in
            let place =
                number < 3
                ? RecordPlace(ofKey: "\(number)") : RecordPlace(resource: "in/\(number % 4)", offset: Int64(number))
            return RejectedRecord(place: place, bytes: [1, 2, 3], reason: "it failed", range: nil)
        }
        let shuffled = records.map { ($0, random.next()) }.sorted { $0.1 < $1.1 }.map(\.0)
        // Each subtask keeps its own, and then they are put together.
        var halves = [RejectedExamples(), RejectedExamples()]
        for record in shuffled { halves[random.next(in: 0..<2)].add(record) }

        var examples = halves[0]
        for record in halves[1].records { examples.add(record) }

        #expect(examples.records.map(\.place.resource) == Array(repeating: "in/0", count: 5))
        #expect(examples.records.map(\.place.offset) == [4, 8, 12, 16, 20], "replay with seed \(seed)")
        #expect(examples.records.allSatisfy { $0.bytes.isEmpty })
    }

    @Test func `keys come behind records, in the order of their text`() {
        var examples = RejectedExamples()

        for key in ["b", "c", "a"] {
            examples.add(RejectedRecord(place: RecordPlace(ofKey: key), bytes: [], reason: "", range: nil))
        }
        examples.add(RejectedRecord(place: RecordPlace(resource: "z", offset: 9), bytes: [], reason: "", range: nil))

        #expect(
            examples.records.map(\.place.resource)
                == ["z", "the values of key a", "the values of key b", "the values of key c"]
        )
    }
}
