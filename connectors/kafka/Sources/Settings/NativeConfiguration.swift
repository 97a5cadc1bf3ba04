internal import CRdkafka
private import Glibc

/// librdkafka's own set of properties, until a client takes it over.
@safe
struct NativeConfiguration: ~Copyable {
    enum Verdict: Hashable {
        case accepted
        case unknown
        /// In the library's words, which may quote the value.
        case invalid(String)
    }

    private static let messageCapacity = 512

    private let pointer: OpaquePointer

    init() {
        unsafe self.pointer = rd_kafka_conf_new()
    }

    deinit {
        unsafe rd_kafka_conf_destroy(self.pointer)
    }

    /// The names of all properties, other names of the same one included, in no order.
    static var propertyNames: [String] {
        var text: UnsafeMutablePointer<CChar>?
        var count = 0
        guard let stream = unsafe open_memstream(&text, &count) else { return [] }
        unsafe rd_kafka_conf_properties_show(stream)
        unsafe fclose(stream)
        defer { unsafe free(text) }
        guard let text = unsafe text else { return [] }
        // A table whose first column holds the names.
        return unsafe String(cString: text).split(separator: "\n").compactMap { line in
            let name = line.prefix { $0 != " " && $0 != "|" }
            return line.contains("|") && !name.isEmpty && name != "Property" ? String(name) : nil
        }
    }

    static func verdict(on name: String, _ value: String) -> Verdict {
        NativeConfiguration().set(name, value)
    }

    func set(_ name: String, _ value: String) -> Verdict {
        var result = RD_KAFKA_CONF_OK
        let message = unsafe NativeText.make(capacity: Self.messageCapacity) { buffer, count in
            unsafe result = rd_kafka_conf_set(self.pointer, name, value, buffer, count)
        }
        switch result {
        case RD_KAFKA_CONF_OK: return .accepted
        case RD_KAFKA_CONF_UNKNOWN: return .unknown
        default: return .invalid(message)
        }
    }

    func withPointer<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        unsafe body(self.pointer)
    }

    /// The pointer, for a client that takes it over.
    consuming func release() -> OpaquePointer {
        let pointer = unsafe self.pointer
        discard self
        return unsafe pointer
    }
}

/// Texts that C functions write into a buffer.
enum NativeText {
    /// What `body` wrote up to the first zero byte; empty where it wrote nothing.
    static func make(capacity: Int, _ body: (UnsafeMutablePointer<CChar>?, Int) -> Void) -> String {
        let bytes = unsafe [CChar](unsafeUninitializedCapacity: capacity) { buffer, count in
            unsafe buffer.initialize(repeating: 0)
            unsafe body(buffer.baseAddress, capacity)
            count = capacity
        }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
