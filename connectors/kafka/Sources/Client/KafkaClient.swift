internal import CRdkafka
internal import ConnectorKit

/// A connection to a cluster with exactly one owner: librdkafka's handle, its queue, and what its callbacks say.
///
/// Threading: the library has threads of its own; calls come from the owner's, which serves the callbacks.
@safe
struct KafkaClient: ~Copyable {
    enum Kind: Hashable {
        /// Asks a cluster about its topics; messages can't be read with it.
        case observer
        /// Reads messages; has a consumer group.
        case consumer
        case producer
    }

    private static let messageCapacity = 512

    /// An `rd_kafka_t`, valid as long as this value.
    let handle: OpaquePointer

    /// Where messages, reports and errors arrive: an `rd_kafka_queue_t`.
    let queue: OpaquePointer

    let notices: ClientNotices

    private let retainedNotices: Unmanaged<ClientNotices>
    private let retainedWake: Unmanaged<WakeSignal>

    /// Starts a client; it connects by itself.
    ///
    /// `wake` is called from threads of the library when something arrives in an empty queue, and must be quick.
    ///
    /// - Throws: Properties contradict one another, or a file that they name can't be read.
    init(
        _ kind: Kind,
        _ configuration: KafkaConfiguration,
        properties: [(name: String, value: String)],
        wake: @escaping @Sendable () -> Void = {}
    ) throws(ConnectorError) {
        let notices = ClientNotices()
        let retainedNotices = unsafe Unmanaged.passRetained(notices)
        let handle: OpaquePointer
        do {
            let native = unsafe try Self.configured(kind, configuration, properties, opaque: retainedNotices.toOpaque())
            unsafe handle = try Self.started(kind, configuration, native)
        } catch {
            unsafe retainedNotices.release()
            throw error
        }
        self.notices = notices
        unsafe self.retainedNotices = retainedNotices
        unsafe self.handle = handle
        unsafe self.queue = Self.mainQueue(kind, handle)
        unsafe self.retainedWake = Unmanaged.passRetained(WakeSignal(wake))
        unsafe rd_kafka_queue_cb_event_enable(
            self.queue,
            { _, opaque in
                guard let opaque = unsafe opaque else { return }
                unsafe Unmanaged<WakeSignal>.fromOpaque(opaque).takeUnretainedValue().wake()
            },
            self.retainedWake.toOpaque()
        )
    }

    /// Gives up what is under way; messages and topics that came from this client must be gone.
    deinit {
        unsafe rd_kafka_queue_cb_event_enable(self.queue, nil, nil)
        unsafe rd_kafka_queue_destroy(self.queue)
        // Nothing of a reader depends on a proper good-bye to its group: it never joined.
        unsafe rd_kafka_destroy_flags(self.handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
        unsafe self.retainedNotices.release()
        unsafe self.retainedWake.release()
    }

    /// Serves callbacks, those that come within a time included.
    func serve(milliseconds: Int32 = 0) {
        _ = unsafe rd_kafka_poll(self.handle, milliseconds)
    }

    // MARK: - Starting

    private static func configured(
        _ kind: Kind,
        _ configuration: KafkaConfiguration,
        _ properties: [(name: String, value: String)],
        opaque: UnsafeMutableRawPointer
    ) throws(ConnectorError) -> NativeConfiguration {
        let native = NativeConfiguration()
        for (name, value) in properties {
            let verdict = native.set(name, value)
            guard verdict != .accepted else { continue }
            let reason = configuration.redacted("\(verdict)")
            let message = "can't set \(name) for \(configuration): \(reason); check :properties"
            throw ConnectorError(.user, retry: .never, message)
        }
        let logs = configuration.value(of: "debug") != nil
        unsafe native.withPointer { pointer in
            unsafe rd_kafka_conf_set_opaque(pointer, opaque)
            unsafe rd_kafka_conf_set_error_cb(pointer, receiveError)
            // Nothing is written to standard error but what somebody asked for.
            if !logs { unsafe rd_kafka_conf_set_log_cb(pointer) { _, _, _, _ in } }
            if kind == .producer { unsafe rd_kafka_conf_set_dr_msg_cb(pointer, receiveReport) }
            if kind == .consumer { unsafe rd_kafka_conf_set_offset_commit_cb(pointer, receiveCommit) }
        }
        return native
    }

    private static func started(
        _ kind: Kind,
        _ configuration: KafkaConfiguration,
        _ native: consuming NativeConfiguration
    ) throws(ConnectorError) -> OpaquePointer {
        let type = kind == .producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER
        let settings = unsafe native.release()
        var handle: OpaquePointer?
        let message = unsafe NativeText.make(capacity: Self.messageCapacity) { buffer, count in
            unsafe handle = rd_kafka_new(type, settings, buffer, count)
        }
        guard let handle = unsafe handle else {
            // The library takes the settings over only if it succeeds.
            unsafe rd_kafka_conf_destroy(settings)
            let reason = configuration.redacted(message)
            throw ConnectorError(.user, retry: .never, "can't use \(configuration): \(reason); check :properties")
        }
        return unsafe handle
    }

    private static func mainQueue(_ kind: Kind, _ handle: OpaquePointer) -> OpaquePointer {
        guard kind == .consumer else { return unsafe rd_kafka_queue_get_main(handle) }
        // Callbacks arrive among the messages: one queue has everything.
        _ = unsafe rd_kafka_poll_set_consumer(handle)
        guard let queue = unsafe rd_kafka_queue_get_consumer(handle) else {
            preconditionFailure("a consumer has a group.id, and so a queue")
        }
        return unsafe queue
    }
}

/// Lets a C callback call a closure.
private final class WakeSignal: Sendable {
    let wake: @Sendable () -> Void

    init(_ wake: @escaping @Sendable () -> Void) {
        self.wake = wake
    }
}

// MARK: - Callbacks

private func notices(_ opaque: UnsafeMutableRawPointer?) -> ClientNotices? {
    unsafe opaque.map { unsafe Unmanaged<ClientNotices>.fromOpaque($0).takeUnretainedValue() }
}

private func receiveError(
    _ handle: OpaquePointer?,
    _ code: Int32,
    _ reason: UnsafePointer<CChar>?,
    _ opaque: UnsafeMutableRawPointer?
) {
    guard let notices = unsafe notices(opaque) else { return }
    let text = unsafe reason.map { unsafe String(cString: $0) } ?? ""
    let code = rd_kafka_resp_err_t(rawValue: code)
    guard code == RD_KAFKA_RESP_ERR__FATAL else {
        notices.warn(KafkaFailure(code, detail: text))
        return
    }
    var cause = code
    let detail = unsafe NativeText.make(capacity: 512) { buffer, count in
        unsafe cause = rd_kafka_fatal_error(handle, buffer, count)
    }
    notices.fail(KafkaFailure(cause, detail: detail))
}

private func receiveReport(
    _ handle: OpaquePointer?,
    _ message: UnsafePointer<rd_kafka_message_t>?,
    _ opaque: UnsafeMutableRawPointer?
) {
    guard let notices = unsafe notices(opaque), let message = unsafe message else { return }
    guard unsafe message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR else {
        notices.report(nil)
        return
    }
    let key = unsafe message.pointee.key.map { key in
        unsafe UnsafeRawBufferPointer(start: key, count: message.pointee.key_len)
    }
    let byteCount = unsafe message.pointee.len + message.pointee.key_len
    let failure = unsafe KafkaFailure(message.pointee.err)
    notices.report(unsafe UndeliveredRecord(failure, key: key, byteCount: byteCount))
}

private func receiveCommit(
    _ handle: OpaquePointer?,
    _ code: rd_kafka_resp_err_t,
    _ positions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
    _ opaque: UnsafeMutableRawPointer?
) {
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__NO_OFFSET else { return }
    unsafe notices(opaque)?.warn(KafkaFailure(code, detail: "the group's positions weren't stored"))
}
