import CoreTypes
import FluentSyntax
import JobPlan
import Testing

@testable import Engine

@Suite struct SliceTableTests {
    @Test(arguments: 0..<UInt64(200))
    func `keys get what the plain model says`(seed: UInt64) {
        let world = TableWorld(seed: seed)
        let box = SliceBox(world.layout)

        for record in world.records { world.add(record, to: box) }

        world.check(box, holds: world.records)
    }

    @Test(arguments: 0..<UInt64(200))
    func `tables that are merged hold what one table would`(seed: UInt64) {
        let world = TableWorld(seed: seed)
        let shares = world.shares

        let merged = SliceBox(world.layout)
        for share in shares {
            // Goes away when it is merged: nothing may point into it.
            let part = SliceBox(world.layout)
            for record in share { world.add(record, to: part) }
            merged.table.merge(part.table)
        }

        world.check(merged, holds: Array(shares.joined()))
    }

    @Test(arguments: 0..<UInt64(200))
    func `encoded states hold what the table would`(seed: UInt64) throws {
        let world = TableWorld(seed: seed)
        let shares = world.shares
        let merged = SliceBox(world.layout)
        var arena = Arena(limitBytes: 1 << 20)

        for (index, share) in shares.enumerated() {
            let part = SliceBox(world.layout)
            for record in share { world.add(record, to: part) }
            // Directly and encoded in turn.
            if index % 3 == 2 {
                merged.table.merge(part.table)
                continue
            }
            try part.table.forEachRow { row throws(ValueDecodingError) in
                var buffer = ByteBuffer()
                unsafe part.table.encode(row.payload.assumingMemoryBound(to: UInt64.self), into: &buffer)
                let states = unsafe merged.table.states(of: row.key, longKey: row.longKey)
                unsafe try merged.table.merge(buffer.bytes, into: states, arena: &arena)
            }
        }

        world.check(merged, holds: Array(shares.joined()))
    }

    @Test(arguments: 0..<UInt64(100))
    func `states that were encoded twice are the same bytes`(seed: UInt64) throws {
        let world = TableWorld(seed: seed)
        let box = SliceBox(world.layout)
        for record in world.records { world.add(record, to: box) }
        var arena = Arena(limitBytes: 1 << 20)

        try box.table.forEachRow { row throws(ValueDecodingError) in
            let first = unsafe box.encoded(row.payload)
            let copy = SliceBox(world.layout)
            let states = unsafe copy.table.states(of: row.key, longKey: row.longKey)
            try TableWorld.withBytes(first) { bytes throws(ValueDecodingError) in
                try unsafe copy.table.merge(bytes, into: states, arena: &arena)
            }
            // Distinct values are written newest first, and read in that order.
            if world.layout.distinctCount == 0 {
                #expect(unsafe copy.encoded(UnsafeRawPointer(states)) == first, "seed \(seed)")
            }
        }
    }

    @Test(arguments: 0..<UInt64(400))
    func `damaged states are refused, or can be used, and never trap`(seed: UInt64) {
        let world = TableWorld(seed: seed)
        let box = SliceBox(world.layout)
        for record in world.records { world.add(record, to: box) }
        var random = SplitMix64(seed: seed)
        var arena = Arena(limitBytes: 1 << 20)

        box.table.forEachRow { row in
            var bytes = unsafe box.encoded(row.payload)
            TableWorld.damage(&bytes, &random)
            let target = SliceBox(world.layout)
            let states = unsafe target.table.states(of: row.key, longKey: row.longKey)
            // Whether they are refused depends on the damage.
            try? TableWorld.withBytes(bytes) { bytes throws(ValueDecodingError) in
                try unsafe target.table.merge(bytes, into: states, arena: &arena)
            }
            target.table.merge(box.table)
            _ = unsafe world.results(target, UnsafeRawPointer(states))
            #expect(unsafe !target.encoded(UnsafeRawPointer(states)).isEmpty, "seed \(seed)")
        }
    }

    @Test(arguments: 0..<UInt64(100))
    func `states that were cut or lengthened are refused`(seed: UInt64) {
        let world = TableWorld(seed: seed, recordLimit: 6)
        let box = SliceBox(world.layout)
        for record in world.records { world.add(record, to: box) }
        var arena = Arena(limitBytes: 1 << 20)

        box.table.forEachRow { row in
            let bytes = unsafe box.encoded(row.payload)
            let cuts = bytes.count > 300 ? [0, 1, bytes.count / 2, bytes.count - 1] : Array(bytes.indices)
            for damaged in cuts.map({ Array(bytes[..<$0]) }) + [bytes + [0]] {
                let target = SliceBox(world.layout)
                let states = unsafe target.table.states(of: row.key, longKey: row.longKey)
                #expect(throws: ValueDecodingError.self, "\(damaged.count) of \(bytes.count), seed \(seed)") {
                    try TableWorld.withBytes(damaged) { bytes throws(ValueDecodingError) in
                        try unsafe target.table.merge(bytes, into: states, arena: &arena)
                    }
                }
            }
        }
    }

    @Test func `registers that no value fills are refused`() {
        let layout = WindowLayout([.make(.countDistinctApproximate)])
        let box = SliceBox(layout)
        let states = unsafe box.table.states(of: KeyWords(integer: 1), longKey: nil)
        var bytes = [UInt8](repeating: 0, count: 1 + ValueSketch.registerCount)
        bytes[0] = 1
        bytes[77] = 200
        var arena = Arena(limitBytes: 1 << 20)

        #expect(throws: ValueDecodingError.self) {
            try TableWorld.withBytes(bytes) { bytes throws(ValueDecodingError) in
                try unsafe box.table.merge(bytes, into: states, arena: &arena)
            }
        }
    }

    @Test(arguments: 0..<UInt64(100))
    func `sums of integers are exact beyond 64 bits on the way`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let layout = WindowLayout([.make(.sum), .make(.mean), .make(.min), .make(.max)])
        let values = (0..<random.next(in: 1..<30)).map { _ in
            [Int64.min, .max, .max - 1, -1, 7][random.next(in: 0..<5)]
        }
        let boxes = (0..<3).map { _ in SliceBox(layout) }
        for value in values {
            let box = boxes[random.next(in: 0..<3)]
            let states = unsafe box.table.states(of: KeyWords(integer: 1), longKey: nil)
            for column in layout.columns {
                unsafe box.table.add(Value(value), nil, time: 0, to: states, column: column)
            }
        }
        boxes[0].table.merge(boxes[1].table)
        boxes[0].table.merge(boxes[2].table)
        let states = unsafe boxes[0].table.states(of: KeyWords(integer: 1), longKey: nil)
        var arena = Arena(limitBytes: 1 << 20)

        let found = layout.columns.map { column in
            try? unsafe boxes[0].table.result(of: column, states, in: &arena)
        }

        let sum = values.reduce(Int128(0)) { $0 + Int128($1) }
        #expect(found[0]?.integer == Int64(exactly: sum), "seed \(seed)")
        #expect(found[1]?.float == Double(sum) / Double(values.count), "seed \(seed)")
        #expect(found[2]?.integer == values.min(), "seed \(seed)")
        #expect(found[3]?.integer == values.max(), "seed \(seed)")
    }

    @Test func `the newest value takes the place of the one before, whatever came`() {
        let layout = WindowLayout([.make(.last), .make(.first)])
        let box = SliceBox(layout)
        let states = unsafe box.table.states(of: KeyWords(integer: 1), longKey: nil)
        let before = box.table.bytes

        for time in 0..<Int64(200_000) {
            unsafe box.table.add(Value(time), nil, time: time, to: states, column: layout.columns[0])
            unsafe box.table.add(Value(time), nil, time: -time, to: states, column: layout.columns[1])
        }

        #expect(box.table.bytes - before < 1 << 20)
    }

    @Test func `what must be equal as keys counts once`() throws {
        let world = TableWorld(seed: 0)
        let pairs: [(String, Int64)] = [("a", 1), ("b", 2)]
        let values = [
            world.map(pairs), world.map(pairs.reversed()), world.list([Value(Int64(1))]), world.list([Value(1.0)]),
            Value(Int64(5)), Value(5.0), Value(0.0), Value(-0.0), Value(Double.nan), Value(-Double.nan),
            world.text(.string, "x"), world.text(.keyword, "x"), world.text(.symbol, "x"),
        ]
        let layout = WindowLayout([.make(.countDistinct), .make(.countDistinctApproximate)])
        let box = SliceBox(layout)
        let states = unsafe box.table.states(of: KeyWords(integer: 1), longKey: nil)
        var arena = Arena(limitBytes: 1 << 20)

        for value in values {
            TableWorld.withEncoding(value) { value, encoding in
                for column in layout.columns {
                    unsafe box.table.add(value, encoding, time: 0, to: states, column: column)
                }
            }
        }

        for column in layout.columns {
            #expect(try unsafe box.table.result(of: column, states, in: &arena).integer == 7)
        }
    }
}

extension SliceBox {
    func encoded(_ payload: UnsafeRawPointer) -> [UInt8] {
        var buffer = ByteBuffer()
        unsafe self.table.encode(payload.assumingMemoryBound(to: UInt64.self), into: &buffer)
        return buffer.bytes.array
    }
}

extension WindowAggregate {
    static func make(_ function: Function, column: Int? = 0, skipsNil: Bool = false) -> WindowAggregate {
        WindowAggregate(function, column: column, skipsNil: skipsNil, range: SourceRange(start: 0, end: 0))
    }
}
