internal import Glibc

/// The variables that the process was started with.
package enum ProcessEnvironment {
    /// The value of a variable; nil where it isn't set or empty.
    package static func value(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }
}
