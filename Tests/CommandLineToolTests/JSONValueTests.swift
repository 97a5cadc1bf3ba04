import Foundation
import Testing

@testable import CommandLineTool

@Suite struct JSONValueTests {
    @Test func `members keep their order`() {
        let value = JSONValue.object([.init("b", .integer(1)), .init("a", .array([.null, .boolean(true)]))])

        #expect(value.text == #"{"b":1,"a":[null,true]}"#)
    }

    @Test func `empty collections stay closed`() {
        #expect(JSONValue.array([.array([]), .object([])]).text == "[[],{}]")
    }

    @Test func `everything that JSON forbids in strings is escaped`() {
        let value = JSONValue.string("a\"b\\c\nd\re\tf\u{1}g\u{7F}é")

        #expect(value.text == #""a\"b\\c\nd\re\tf\u0001g\u007fé""#)
    }

    @Test func `what isn't a number is null`() {
        #expect(JSONValue.array([.number(.nan), .number(.infinity), .number(0.25)]).text == "[null,null,0.25]")
    }

    @Test func `seconds have milliseconds`() {
        #expect(JSONValue.seconds(.microseconds(1_234_567)).text == "1.235")
    }

    @Test func `another reader reads the same`() throws {
        let value = JSONValue.object([.init("k\u{2028}\"", .string("\u{0}\u{1F}😀")), .init("n", .integer(.min))])

        let read = try JSONSerialization.jsonObject(with: Data(value.text.utf8)) as? [String: Any]

        #expect(read?["k\u{2028}\""] as? String == "\u{0}\u{1F}😀")
        #expect(read?["n"] as? Int64 == .min)
    }
}
