package import JobPlan

/// A job that a program defines.
enum ProgramDefinition: Sendable {
    case job(JobDefinition)
    case stream(StreamDefinition)
}

/// How a job that a program defines will run.
package enum ProgramPlan: Sendable {
    case job(PlannedJob)
    case stream(StreamPlan)
}
