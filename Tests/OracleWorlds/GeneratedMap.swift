package import FluentSyntax

/// A job made from a seed, with the files it reads.
package struct GeneratedMap: Sendable {
    /// A file as a source delivers it: blocks of whole lines; only the last may end without a newline.
    package struct File: Sendable {
        package let blocks: [[UInt8]]

        package init(blocks: [[UInt8]]) {
            self.blocks = blocks
        }
    }

    package let seed: UInt64
    package let text: String
    package let files: [File]

    /// Subtasks: file `i` is read by subtask `i % parallelism`.
    package let parallelism: Int

    package init(seed: UInt64, text: String, files: [File], parallelism: Int) {
        self.seed = seed
        self.text = text
        self.files = files
        self.parallelism = parallelism
    }

    package var source: SourceFile { SourceFile(name: "generated-\(self.seed).fl", text: self.text) }

    /// The same over another text or other files.
    package func replacing(text: String? = nil, files: [File]? = nil) -> GeneratedMap {
        GeneratedMap(
            seed: self.seed,
            text: text ?? self.text,
            files: files ?? self.files,
            parallelism: self.parallelism
        )
    }

    /// How places call file `index`.
    static func name(ofFile index: Int) -> String { "file-\(index)" }

    /// The files that a subtask reads, in order.
    func files(ofSubtask subtask: Int) -> [(index: Int, file: File)] {
        self.files.enumerated().filter { $0.offset % self.parallelism == subtask }
            .map { (index: $0.offset, file: $0.element) }
    }
}
