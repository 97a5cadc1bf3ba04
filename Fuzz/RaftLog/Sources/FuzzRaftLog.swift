import CoreTypes
import RaftCore
import RaftStorage
import Simulation

/// Puts what libFuzzer comes up with into the files of a Raft log, and opens it.
///
/// None of it may trap. Whatever is found, the log goes on from there, and is found again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRaftLog(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let bytes = unsafe bytes, count > 4 else { return 0 }
    let choice = unsafe bytes[0]
    let offset = unsafe Int(bytes[1]) + 256 * Int(bytes[2] % 64)
    let input = unsafe Array(UnsafeBufferPointer(start: bytes + 3, count: count - 3))
    do {
        try open(with: input, choice: choice, offset: offset)
    } catch {
        preconditionFailure("a disk that works is refused: \(error)")
    }
    return 0
}

private let directory = "raft"

private func open(with input: [UInt8], choice: UInt8, offset: Int) throws {
    let disk = SimulatedDisk()
    try fill(disk)
    let prefix = ["log-", "state", "snapshot-"][Int(choice % 3)]
    for path in disk.paths where path.hasPrefix("\(directory)/\(prefix)") {
        disk.change(path) { content in
            if choice & 128 != 0 { content = [] }
            let end = min(content.count, offset + input.count)
            content.replaceSubrange(min(offset, content.count)..<end, with: input)
        }
        if choice & 64 == 0 { break }
    }
    let opened: (store: RaftLogStore, state: RecoveredState)
    do {
        opened = try RaftLogStore.open(disk: disk, directory: directory)
    } catch RaftStorageError.hardStateLost {
        return
    }
    var hardState = opened.state.hardState
    hardState.repairFloor = opened.state.damagedEnd
    hardState.term = Term(rawValue: 9)
    let base = LogPosition(term: Term(rawValue: 9), index: LogIndex(rawValue: 1_000))
    let entry = LogEntry(index: base.index.next(), term: base.term, payload: .command(input))
    try opened.store.write([LogWrite(id: WriteID(rawValue: 1), hardState: hardState, entries: [entry], reset: base)])
    try opened.store.synchronize()
    let writer = try opened.store.makeSnapshot()
    try opened.store.install(writer, position: base, membership: Membership(voters: [ReplicaID(node: 1)]))
    let again = try RaftLogStore.open(disk: disk, directory: directory).state
    precondition(again.entries == [entry] && again.hardState == hardState, "what was written is found")
    precondition(again.damagedEnd == nil, "what was noted as damaged is noted")
}

/// Some batches, a segment each, and a snapshot.
private func fill(_ disk: SimulatedDisk) throws {
    var configuration = RaftLogStore.Configuration()
    configuration.segmentBytes = 1
    let founding = Membership(voters: [ReplicaID(node: 1), ReplicaID(node: 2)])
    try RaftLogStore.create(.founding(founding), disk: disk, directory: directory, configuration: configuration)
    let store = try RaftLogStore.open(disk: disk, directory: directory, configuration: configuration).store
    for index in UInt64(2)..<5 {
        let entries = (0..<UInt64(3)).map { offset in
            LogEntry(
                index: LogIndex(rawValue: index + offset),
                term: Term(rawValue: index),
                payload: .command([UInt8(index)])
            )
        }
        try store.write([
            LogWrite(id: WriteID(rawValue: index), hardState: HardState(term: Term(rawValue: index)), entries: entries)
        ])
        try store.synchronize()
    }
    var writer = try store.makeSnapshot()
    try writer.append([1, 2, 3])
    let position = LogPosition(term: Term(rawValue: 1), index: LogIndex(rawValue: 1))
    try store.install(writer, position: position, membership: founding)
    try store.noteEnd()
}
