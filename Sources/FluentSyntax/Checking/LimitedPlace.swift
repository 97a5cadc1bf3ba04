/// Where builtins work that don't work everywhere in a program, for messages.
enum LimitedPlace {
    case window
    case record
    case side
    case state
    case alert

    var code: String {
        switch self {
        case .window: "no-window"
        case .record: "no-record"
        case .side: "no-side-output"
        case .state: "no-state"
        case .alert: "no-alerts"
        }
    }

    var text: String {
        switch self {
        case .window: "where a window's values are reduced"
        case .record: "where a record of a stream is at hand"
        case .side: "in the :map of a streaming job"
        case .state: "where the records of a key are processed"
        case .alert: "where a stream's windows are reduced or the records of a key are processed"
        }
    }

    /// What a function does that calls one of them.
    var deed: String {
        switch self {
        case .window: "asks for its window"
        case .record: "asks for the record of a stream"
        case .side: "writes to a side output"
        case .state: "uses the state of a key"
        case .alert: "alerts"
        }
    }

    var help: String {
        switch self {
        case .window: "call it in the :reduce of a define-streaming-job, or in a function that it calls"
        case .record: "call it in the :map or :time of a define-streaming-job, or in a function that they call"
        case .side: "call it there, or write (side :name SINK F) in a define-stream-processor"
        case .state: "call it in the on-event or on-timer of a process, or in a function that they call"
        case .alert: "call it in the :reduce of a define-streaming-job or in a process; elsewhere emit what is found"
        }
    }
}
