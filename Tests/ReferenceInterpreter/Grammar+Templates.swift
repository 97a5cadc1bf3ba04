extension Grammar {
    static let integers = [
        "(sum (map (fn ($f) ($f <I>)) (for ($x <L>) (lambda ($y) (+ $x $y)))))",
        "(letrec (($total (fn ($n) (if (< $n 1) <I|$n:I> (+ $n ($total (dec $n))))))) ($total 12))",
        "(let (($make (lambda ($k) (fn ($z) (- $z <I|$k:I>))))) (($make <I>) <I>))", "(count (distinct [<A> <A> <A>]))",
        "(count-distinct [<A> <A> <A> <A>])", "(count (set [<A> <A> <A>]))",
        "(count (group-by (fn ($v) $v) [<A> <A> <A>]))", "(get {<A> 1} <A> 0)", "(get {1.0 <I>} 1)",
        "(update <L> 0 inc)", "(first (nth <W> 0))", "(let (($x <I>)) (let (($x (+ $x 1)) ($y $x)) (* $x $y)))",
        "(parse-time <S> \"yyyy-MM-dd'T'HH:mm:ssZ\")", "(reduce (fn ($m $x) (if (> $x $m) $x $m)) <L>)", "(<K> <M>)",
        "(apply (fn ($a $b) <I|$a:I,$b:I>) <L>)", "(do (for-each [$x <L>] <I|$x:I>) <I>)",
        "(get (quote [1 2 3]) <I> 0)", "(count (flat-map (fn ($w) (split $w \"\")) <W>))",
        "(+ <I> <I>)", "(+ <I> <I> <I>)", "(- <I> <I>)", "(- <I>)", "(* <I> <I>)", "(quot <I> <I>)", "(rem <I> <I>)",
        "(mod <I> <I>)", "(inc <I>)", "(dec <I>)", "(inc <I> <I>)", "(dec <I> <I>)", "(abs <I>)", "(min <I> <I>)",
        "(max <I> <I> <I>)", "(min <L>)", "(max <L>)", "(floor <F>)", "(ceil <F>)", "(round <F>)", "(pow <I> 2)",
        "(pow 2 <I>)", "(count <S>)", "(count <L>)", "(count <W>)", "(count <M>)", "(count <Z>)", "(sum <L>)",
        "(count-distinct <L>)", "(count-distinct <W>)", "(quantile 0.5 <L>)", "(quantile <L> 0.9)", "(first <L>)",
        "(last <L>)",
        "(nth <L> <I> 0)", "(nth <L> 1)", "(get <L> <I> 0)", "(get <M> <K> 0)", "(get <M> <S> 1)", "(<K> <M> 2)",
        "(get-in {:a <M>} [:a <K>] 9)", "(parse-int <S> 0)", "(parse-int (str <I>))",
        "(reduce (lambda ($a $x) <I|$a:I,$x:I>) <I> <L>)", "(fold <G> <I> <L>)", "(reduce + <L>)",
        "(reduce <G> <I> <L>)",
        "(apply <G> [<I> <I>])", "(apply + <L>)", "(<G> <I> <I>)", "(-> <I> (+ <I>) inc (* <I>))",
        "(->> <L> (map inc) sum)",
        "(|> <I> (- <I>))", "(sum (for ($x <L>) <I|$x:I>))", "(sum (map (fn ($x) <I|$x:I>) <L>))", "(first (sort <L>))",
        "(letrec (($go (lambda ($n $acc) (if (< $n 1) $acc ($go (- $n 1) (+ $acc <I|$n:I,$acc:I>)))))) ($go 6 0))",
        "(letrec (($even (fn ($n) (if (= $n 0) 1 ($odd (dec $n))))) ($odd (fn ($n) (if (= $n 0) 0 ($even (dec $n)))))) ($even 9))",
        "(let (($k <I>)) (let (($add (lambda ($z) (+ $z $k)))) (sum (map $add <L>))))", "(parse-time <S>)",
        "(let [$p <I> $q <I>] <I|$p:I,$q:I>)", "(count (split <S> <S>))", "(count (str <A>))",
        "(count (for ($x <L> $y <L>) <I|$x:I,$y:I>))", "(if (> <I> 5) (throw <A>) <I>)",
        "(count (re-find-all #\"[a-z]+\" <S>))",
    ]

    static let floats = [
        "(min (/ 0.0 0.0) <F>)", "(max [<F> <I> (/ 0.0 0.0)])", "(+ 9007199254740993 <F>)",
        "(sum [9007199254740993 <F>])", "(sum (map (fn ($x) (/ $x 10)) <L>))", "(pow <I> -1)",
        "(quantile <F> [<I> <F>])", "(round (* <F> 1000))",
        "(+ <F> <I>)", "(* <F> <F>)", "(- <F> <F>)", "(/ <I> <I>)", "(/ <F> <I>)", "(/ <F>)", "(sqrt <F>)",
        "(pow <F> <I>)",
        "(mean <L>)", "(abs <F>)", "(parse-float <S> 0.5)", "(sum [<F> <I> <F>])", "(sum (list <F> <F> <F>))",
        "(min <F> <I>)", "(max [<F> <F>])", "(- <F>)", "(inc <F>)", "(quantile <F> [<F> <F> <I>])", "(mean [<F> <I>])",
    ]

    static let booleans = [
        "(< 9007199254740993 <F>)", "(= 9007199254740993 9007199254740992.0)", "(= [<A> <A>] [<A> <A>])",
        "(= (set [<A>]) (set [<A>]))", "(contains? [<A> <A>] <A>)", "(= (merge <M> <M>) <M>)",
        "(match [<A> <A>] ([$a $b] (= $a $b)))",
        "(< <I> <I>)", "(<= <I> <F> <I>)", "(> <S> <S>)", "(>= <F> <I>)", "(= <I> <I>)", "(= <A> <A>)", "(= <S> <S>)",
        "(not= <A> <A>)", "(not <A>)", "(nil? <A>)", "(empty? <L>)", "(empty? <S>)", "(string? <A>)", "(number? <A>)",
        "(integer? <A>)", "(float? <A>)", "(boolean? <A>)", "(list? <A>)", "(map? <A>)", "(set? <A>)", "(keyword? <A>)",
        "(symbol? 'a)", "(function? <G>)", "(contains? <S> <S>)", "(contains? <M> <K>)", "(contains? <Z> <A>)",
        "(contains? <L> <I>)", "(starts-with? <S> <S>)", "(ends-with? <S> <S>)", "(and <B> <B>)", "(or <B> <B> <B>)",
        "(any? (lambda ($x) <B|$x:I>) <L>)", "(all? (fn ($w) <B|$w:S>) <W>)", "(= (hash <A>) (hash <A>))",
        "(= <K> (name <K>))", "(< <I> <I> <I>)", "(= {:a <I>} {:a <F>})", "(= (symbol <S>) 'a)",
    ]

    static let strings = [
        "(str (sort [<A> <A> <A>]))", "(str [<A> {:k <A>} nil])", "(to-json {:a [<A> {\"k\" <A>}] 1 <A>})",
        "(str (distinct [<A> <A> <A>]))", "(str (sort (for ($x <L>) [<A|$x:I> $x])))", "(str (split <S> #\"b*\"))",
        "(replace <S> #\"\" \"-\")", "(str (re-find-all #\"(a)|(b)|\\s\" <S>))", "(str (re-find-all #\"x*\" <S>))",
        "(format \"%05d|%+d\" <I> <I>)", "(format \"%s %d\" <S>)", "(str (parse-float <S>))",
        "(str (try (parse-json <S>) (catch $e (get $e :error))))", "(replace <S> \"\" \"x\")",
        "(str (group-by (fn ($w) (count $w)) <W>))", "(substring <S> (- (count <S>) 1))", "(str <Z> <M>)",
        "(str (keyword <S>) (symbol <S>))", "(join <S> [<A> <A>])",
        "(str (get-in {:a {:b [<A> 2]}} [:a <K> 0] \"none\"))", "(str (try <A> (finally <A>)))",
        "(str <A> <A>)", "(str <S> <I>)", "(str <F>)", "(lower <S>)", "(upper <S>)", "(trim <S>)",
        "(substring <S> <I>)", "(substring <S> 0 1)", "(substring <S> 1 <I>)", "(replace <S> <S> <S>)",
        "(replace <S> #\"[aeiou]+\" <S>)", "(replace <S> #\"(\\w)(\\w)?\" \"$2$1\")", "(join \"-\" <L>)",
        "(join <S> <W>)",
        "(join <W>)", "(join <W> <S>)", "(name <K>)", "(format \"%d|%5d|%-4d|%04d\" <I> <I> <I> <I>)",
        "(format \"%s=%.2f\" <S> <F>)",
        "(format \"%8.3f %x %% %e\" <F> <I> <F>)", "(format \"%-6s|%3s|%.2s\" <S> <A> <S>)", "(to-json <A>)",
        "(to-json <M>)", "(first <W>)", "(last <W>)", "(nth <W> 0 \"none\")", "(get <W> <I> \"\")",
        "(string-downcase <S>)", "(string-upcase <S>)", "(reduce (fn ($a $w) (str $a <S|$a:S,$w:S>)) \"\" <W>)",
        "(-> <S> trim lower (replace \"a\" <S>))", "(str (parse-json <S>))", "(str (parse-json (to-json <A>)))",
        "(max <S> <S>)", "(str (re-match #\"(\\d+)|(\\w+)\" <S>))", "(str (re-match #\"\\d+\" <S>))",
        "(format-time <I>)", "(format-time <I> \"dd/MMM/yyyy:HH:mm:ss Z\")", "(let [$s <S>] <S|$s:S>)",
        "(str (group-by (lambda ($x) <A|$x:I>) <L>))", "(str (zip <L> <W>))",
    ]

    static let integerLists = [
        "(sort [<I> <F> <I>])", "(take -1 <L>)", "(rest (rest <L>))", "(keys {<I> 1 2.0 2 -0.0 3})",
        "[<I> <I>]", "(list <I> <I> <I>)", "(range (mod <I> 9))", "(range 0 10 3)", "(range 1 (rem <I> 20) 2)",
        "(map (fn ($x) <I|$x:I>) <L>)",
        "(map inc <L>)", "(filter (lambda ($x) <B|$x:I>) <L>)", "(sort <L>)", "(reverse <L>)", "(take <I> <L>)",
        "(drop <I> <L>)", "(concat <L> <L>)", "(append <L> <I>)", "(cons <I> <L>)", "(distinct <L>)", "(rest <L>)",
        "(flat-map (fn ($x) <L|$x:I>) <L>)", "(flat-map (fn ($w) [(count $w)]) <W>)", "(vals <M>)", "(conj <L> <I>)",
        "(for ($x <L>) <I|$x:I>)", "(for (($x <L>) ($y <L>)) <I|$x:I,$y:I>)", "(sort-by (fn ($x) <I|$x:I>) <L>)",
        "(sort-by (fn ($x) <S|$x:I>) <L>)", "(map count <W>)", "(map (lambda ($w) <I|$w:S>) <W>)",
        "(for ($x (range 3)) <I|$x:I>)", "(sort (concat <L> [<F>]))", "(map <K> [<M> <M>])",
        "(map first (zip <L> <W>))",
    ]

    static let stringLists = [
        "(split <S> #\"x*\")", "(split <S> #\"(,)\")", "(re-find-all #\"..\" <S>)", "(split (upper <S>) \"S\")",
        "(map trim (split <S> \",\"))",
        "(split <S> <S>)", "(split <S> \" \")", "(split <S> #\"\\s+\")", "(split <S> #\"[,;=]\")", "(split <S> \"\")",
        "(re-find-all #\"\\w+\" <S>)", "(re-find-all <S> #\"[^ ]+\")", "(re-find-all #\"[^ ]\" <S>)", "(map upper <W>)",
        "(map (fn ($w) <S|$w:S>) <W>)",
        "(filter (fn ($w) <B|$w:S>) <W>)", "(sort <W>)", "(sort-by count <W>)", "(reverse <W>)", "(distinct <W>)",
        "(concat <W> <W>)", "(for ($w <W>) <S|$w:S>)", "(for ($x <L>) <S|$x:I>)", "(take 2 <W>)", "(drop 1 <W>)",
        "(map str <L>)", "[<S> <S>]", "(rest <W>)", "(cons <S> <W>)", "(->> <S> lower (re-find-all #\"[a-zé]+\"))",
        "(split (string-trim <S>) #\",?\")",
    ]

    static let maps = [
        "(parse-json \"{\\\"a\\\": 1, \\\"b\\\": [2, 3.0, null], \\\"a\\\": 4}\")",
        "(group-by (fn ($x) (mod $x 2)) <L>)", "(update <M> <A> (fn ($v) <I>))", "(assoc nil <K> <I>)",
        "(dissoc <M> <A>)", "(conj {} <L>)",
        "{:a <I> :b <I>}", "{<S> <I>}", "(assoc <M> <K> <I>)", "(assoc <M> <S> <I> <K> <I>)", "(dissoc <M> <K>)",
        "(update <M> :a (fn ($v) (inc (or $v 0))))", "(update <M> <K> (fn ($v $w) <I|$w:I>) <I>)", "(merge <M> <M>)",
        "(merge <M> nil <M>)", "(conj <M> [<K> <I>])", "(reduce (fn ($m $w) (assoc $m $w <I|$w:S>)) {} <W>)",
        "(reduce (lambda ($m $x) (update $m $x (fn ($old) (+ 1 (or $old 0))))) {} <L>)", "(assoc <M> <F> <I>)",
        "{<A> <I> <I> <I>}", "(let (($m <M>)) (assoc $m :n (count $m)))",
    ]

    static let statements = [
        "(emit <S> <I>)", "(emit <S> 1)", "(emit <I> <A>)", "(emit <A> <A>)", "(emit [<S> <I>] <M>)",
        "(for ($w <W>) (emit $w 1))", "(for ($w <W>) <E|$w:S>)", "(for ($x <L>) <E|$x:I>)", "(when <B> <E> <E>)",
        "(unless <B> <E>)", "(for-each (lambda ($w) <E|$w:S>) <W>)", "(for (($w <W>) ($x <L>)) <E|$w:S,$x:I>)",
        "(for ($w (split line #\"\\s+\")) (emit (lower $w) <I|$w:S>))",
        "(for ($w (split line \" \")) (emit $w (count $w)))",
        "(for ($w (split line #\"[^a-z]+\")) (when <B|$w:S> (emit $w 1)))",
        "(for-each (fn ($x) (emit $x <A|$x:I>)) <L>)",
        "(let (($event (try (parse-json line) (catch $e {})))) (emit (get $event :user) (get $event :n 0)))",
    ]
}
