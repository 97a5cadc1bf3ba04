import ConnectorKit
import CoordinationCore
import Engine
import FluentSyntax
import Testing

@testable import JobService

@Suite struct FailureTextTests {
    private static let text = FailureText(source: SourceFile(name: "job.fl", text: "(emit key\n  (/ 1 0))\n"))
    private static let place = RecordPlace(resource: "in/a.txt", offset: 17)

    @Test func `a lambda's fault is shown with the record and the line of the program`() {
        let error = EvaluationError(.divisionByZero(operation: "/"), at: SourceRange(start: 12, end: 19))

        let failure = Self.text.failure(of: .evaluation(error, Self.place))

        #expect(failure.cause == .userError)
        #expect(
            failure.message == """
                job.fl:2:3: error[division-by-zero]: \(error.code.message)
                    (/ 1 0))
                    ^^^^^^^
                help: it was evaluating the record at in/a.txt, offset 17

                """
        )
    }

    @Test func `a reduce's fault names the key instead of a file`() {
        let error = EvaluationError(.divisionByZero(operation: "/"), at: SourceRange(start: 12, end: 19))
        let place = RecordPlace(resource: "the values of key a", offset: 0)

        let failure = Self.text.failure(of: .evaluation(error, place))

        #expect(failure.message.contains("help: it was working on the values of key a\n"))
        #expect(!failure.message.contains("offset"))
    }

    @Test func `a file that can't be read on is named, without advice on records`() {
        let failure = Self.text.failure(of: .unreadable(resource: "in/a.csv", reason: "can't read the header; mend it"))

        #expect(failure == JobFailure(.userError, message: "in/a.csv: can't read the header; mend it"))
    }

    @Test func `a record that isn't of the format says where it lies and how to go on`() {
        let failure = Self.text.failure(of: .undecodable(reason: "a quote is open", Self.place))

        #expect(failure.cause == .userError)
        #expect(
            failure.message
                == "can't decode the record at in/a.txt, offset 17: a quote is open; "
                + ":on-error 'skip leaves such records out"
        )
    }

    @Test(arguments: [
        (ConnectorError.Domain.user, JobFailure.Cause.userError), (.external, .permanent), (.internal, .permanent),
        (.reader, .readerGone),
    ])
    func `what a connector says is passed on`(domain: ConnectorError.Domain, cause: JobFailure.Cause) {
        let failure = Self.text.failure(of: .connector(ConnectorError(domain, retry: .never, "can't read x: gone")))

        #expect(failure == JobFailure(cause, message: "can't read x: gone"))
    }

    @Test func `a full disk is no fault of the program`() {
        let failure = Self.text.failure(of: .spill(SpillError(.noSpace, "can't spill: it is full; free some space")))

        #expect(failure == JobFailure(.permanent, message: "can't spill: it is full; free some space"))
    }

    @Test func `what can't be is called an internal error`() {
        let failure = Self.text.failure(of: .corrupt("a row ends too early"))

        #expect(failure == JobFailure(.permanent, message: "internal error: a row ends too early"))
    }

    @Test func `a rejected record is one line of place and reason`() {
        let record = RejectedRecord(place: Self.place, bytes: [1], reason: "no number", range: nil)

        #expect(FailureText.text(of: record) == "in/a.txt, offset 17: no number")
    }
}
