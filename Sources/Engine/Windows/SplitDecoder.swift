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

    var description: String {
        switch self {
        case .missing: "the source gives the record no time: say with :time where it is"
        case .wrongType(let found): ":time gives \(found), and must give milliseconds since 1970 as an integer"
        case .outOfRange(let time): "the time \(time) isn't one: milliseconds since 1970 are expected"
        }
    }
}
