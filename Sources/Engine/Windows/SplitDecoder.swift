internal import JobPlan

/// The decoder of one split.
///
/// Behind a pointer, since each access to a field of a class is checked, which would cost as much as a field of a record.
@safe
final class SplitDecoder {
    private let memory: UnsafeMutablePointer<RecordDecoder>

    /// Records that begin before this offset were read before.
    var firstOffset: Int64 = 0

    init(_ step: DecodeStep) {
        unsafe self.memory = .allocate(capacity: 1)
        unsafe self.memory.initialize(to: RecordDecoder(step))
    }

    deinit {
        unsafe self.memory.deinitialize(count: 1)
        unsafe self.memory.deallocate()
    }

    // A property of the decoder is read where it lies; through ``decoder`` it would be copied as a whole first.

    @inline(__always) var hasFields: Bool { unsafe self.memory.pointee.hasFields }
    @inline(__always) var record: Value { unsafe self.memory.pointee.record }
    @inline(__always) var key: Value { unsafe self.memory.pointee.key }
    @inline(__always) var place: RecordPlace { unsafe self.memory.pointee.place }
    @inline(__always) var rawBytes: Bytes { unsafe self.memory.pointee.rawBytes }
    @inline(__always) var recordOffset: Int64 { unsafe self.memory.pointee.recordOffset }
    var nextLineOffset: Int64 { unsafe self.memory.pointee.nextLineOffset }
    @inline(__always) var fieldStart: UnsafeMutablePointer<Value> { unsafe self.memory.pointee.fieldValues }

    @inline(__always)
    func field(_ index: Int) -> Value { unsafe self.fieldStart[index] }

    var decoder: RecordDecoder {
        @inline(__always) _read { yield unsafe self.memory.pointee }
        @inline(__always) _modify { yield unsafe &self.memory.pointee }
    }
}

/// Why a record has no event time.
enum RecordTimeError: Error, CustomStringConvertible {
    case missing
    case wrongType(String)
    case outOfRange(Int64)

    /// - Returns: The time, if it can be one.
    static func check(_ time: Int64) throws(RecordTimeError) -> Int64 {
        guard (-SliceGrid.timeLimit...SliceGrid.timeLimit).contains(time) else { throw .outOfRange(time) }
        return time
    }

    var description: String {
        switch self {
        case .missing: "the source gives the record no time: say with :time where it is"
        case .wrongType(let found): ":time gives \(found), and must give milliseconds since 1970 as an integer"
        case .outOfRange(let time): "the time \(time) isn't one: milliseconds since 1970 are expected"
        }
    }
}
