import Foundation

/// Events of a web shop, out of order by up to two seconds, and what a stream must make of them.
struct ShopEvents {
    struct Event {
        let user: String
        let page: String
        let spent: Int64
        let time: Int64
    }

    static let bound: Int64 = 2_000
    let events: [Event]

    init(_ events: [Event]) {
        self.events = events
    }

    /// The same events, in which `spent` says how many of their user there were by then.
    var numbered: ShopEvents {
        var numbers: [String: Int64] = [:]
        return ShopEvents(
            self.events.map { event in
                numbers[event.user, default: 0] += 1
                return Event(user: event.user, page: event.page, spent: numbers[event.user] ?? 0, time: event.time)
            }
        )
    }

    /// Events whose times lie 0 to 400 ms apart; equal seeds give equal events.
    init(count: Int, seed: UInt64) {
        var state = seed
        func next(_ limit: UInt64) -> Int64 {
            // SplitMix64, as CoreTypes has it.
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return Int64((word ^ word >> 31) % limit)
        }
        var now: Int64 = 1_700_000_000_000
        self.events = (0..<count).map { _ in
            now += next(400)
            let late = next(5) == 0 ? next(UInt64(Self.bound)) : 0
            return Event(user: "u\(next(40))", page: "/p/\(next(20))", spent: next(300), time: now - late)
        }
    }

    /// A JSON object a line.
    var lines: String {
        self.events.map { event in
            #"{"user":"\#(event.user)","page":"\#(event.page)","spent":\#(event.spent),"ts":\#(event.time)}"# + "\n"
        }.joined()
    }

    /// The lines of ``program(window:)`` for windows of one size and slide, sorted.
    func results(size: Int64, slide: Int64) -> [String] {
        struct Group: Hashable {
            let user: String
            let start: Int64
        }
        var groups: [Group: (count: Int, pages: Set<String>, spent: Int64)] = [:]
        for event in self.events {
            var start = event.time / slide * slide
            while start > event.time - size {
                let group = Group(user: event.user, start: start)
                groups[group, default: (0, [], 0)].count += 1
                groups[group]?.pages.insert(event.page)
                groups[group]?.spent += event.spent
                start -= slide
            }
        }
        return groups.map { group, found in
            #"{"user":"\#(group.user)","views":\#(found.count),"pages":\#(found.pages.count),"spent":\#(found.spent),"#
                + #""window-start":\#(group.start),"window-end":\#(group.start + size)}"#
        }.sorted()
    }

    /// A processor over `in/*` that writes `out`.
    static func program(
        window: String = "(sliding-window 300000 60000)",
        steps: String = "",
        options: String = ""
    ) -> String {
        """
        (define-stream-processor shop
          :source (distributed-files "in/*")
          :sink (distributed-path "out")
          :time :ts
          :watermark (bounded-out-of-orderness \(Self.bound))
          \(options)
          \(steps)
          (window \(window)
            (group-by :user
              (aggregate :views (count) :pages (count-distinct :page) :spent (sum :spent)))))
        """
    }
}
