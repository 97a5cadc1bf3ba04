import ConnectorKit
import JobPlan

extension ProgramParameters {
    /// What is wrong with the names that the command line gives with `-D`, in their order: nothing reads them.
    ///
    /// A name with a dot is for connectors, whoever reads it: `kafka.brokers`.
    ///
    /// `files`: What the program is called, or the programs.
    func problems(with given: some Sequence<String>, in files: [String]) -> [String] {
        guard self.isComplete else { return [] }
        return given.sorted().filter { !self.names.contains($0) && !$0.contains(".") }.map { name in
            let place = files.count == 1 ? files[0] : "these programs"
            let nearest = NearestName.of(name, among: self.names).map { "did you mean '\($0)'? " } ?? ""
            let list = self.names.joined(separator: ", ")
            let known = list.isEmpty ? "no parameter is read there; leave it out" : "what is read there: \(list)"
            return "can't use -D \(name)=…: nothing in \(place) reads (param \"\(name)\"); \(nearest)\(known)"
        }
    }

    /// What either of two programs reads.
    func merged(with other: ProgramParameters) -> ProgramParameters {
        ProgramParameters(
            names: Set(self.names).union(other.names).sorted(),
            isComplete: self.isComplete && other.isComplete
        )
    }
}
