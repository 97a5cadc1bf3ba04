internal import FluentSyntax
package import JobPlan

/// A job that a program defines.
enum ProgramDefinition: Sendable {
    case job(JobDefinition)
    case stream(StreamDefinition)

    var name: String {
        switch self {
        case .job(let job): job.name
        case .stream(let stream): stream.name
        }
    }
}

/// How a job that a program defines will run.
package enum ProgramPlan: Sendable {
    case job(PlannedJob)
    case stream(StreamPlan)

    /// Parameters that are read and have no value.
    var unsetParameters: [(name: String, range: SourceRange)] {
        switch self {
        case .job(let job): job.unsetParameters
        case .stream(let stream): stream.unsetParameters
        }
    }
}
