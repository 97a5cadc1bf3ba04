/// Makes directories for files that a process needs only while it lives.
package protocol ScratchSpace: Sendable {
    /// Makes an empty directory below another, which is made where there is none.
    func makeDirectory(in directory: String) throws(EnvironmentError) -> any ScratchDirectory
}

/// A directory that goes away with everything in it when nothing refers to it any longer.
package protocol ScratchDirectory: AnyObject, Sendable {
    var path: String { get }
}
