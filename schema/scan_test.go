package schema

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestScan(t *testing.T) {
	t.Parallel()
	nested := func(open, inside, close string, levels int) string {
		return strings.Repeat(open, levels) + inside + strings.Repeat(close, levels)
	}
	tests := map[string]struct {
		text  string
		fault fault // "" if the text is to pass
		at    int
	}{
		"an empty value is refused":                         {"", faultEmpty, 0},
		"nothing but white space is refused":                {" \r\n\t", faultEmpty, 4},
		"what is no JSON is refused":                        {"hello", faultValue, 0},
		"a byte order mark is refused":                      {"\ufeff{}", faultBOM, 0},
		"UTF-16 is named":                                   {"\xff\xfe{\x00}\x00", faultForeign, 0},
		"UTF-16 without a mark is named":                    {"{\x00}\x00", faultForeign, 0},
		"which a number may begin":                          {"1\x002\x00", faultForeign, 0},
		"or white space":                                    {"\x00 \x00{", faultForeign, 0},
		"what is packed is named":                           {"\x1f\x8b\x08\x00", faultForeign, 0},
		"a Schema Registry header is named":                 {"\x00\x00\x00\x00\x01{}", faultHeader, 0},
		"whatever the schema's id":                          {"\x00\x00\x00{\xff{}", faultHeader, 0},
		"and where an array follows":                        {"\x00\x00\x01\x86\xa0[]", faultHeader, 0},
		"where no JSON follows it is only like one":         {"\x00\x00\x00\x00\x07\x02\x06o1", faultHeaderLike, 0},
		"zero bytes are no header: ids count from 1":        {"\x00\x00\x00\x00\x00\x00\x00", faultZero, 0},
		"one that is cut off is none":                       {"\x00\x00\x00\x00", faultZero, 0},
		"a header in the middle is none":                    {"[\x00\x00\x00\x00\x01{}]", faultValue, 1},
		"a misspelt literal is refused where it goes wrong": {"[trie]", faultValue, 3},
		"a literal with a capital is refused":               {"True", faultValue, 0},
		"a literal cut short is refused as cut off":         {"nul", faultTruncated, 3},

		"scalars pass":                           {` "x" `, "", 0},
		"literals pass":                          {"[true,false,null]", "", 0},
		"white space passes everywhere":          {" { \"a\" : [ 1 , 2 ] , \"b\" : { } , \"c\" : [ ] } \n", "", 0},
		"a second value is refused":              {"{} {}", faultTrailing, 3},
		"a NUL byte behind the value is refused": {"{}\x00", faultTrailing, 2},

		"an object cut off behind the brace is refused": {"{", faultTruncated, 1},
		"an object cut off in a key is refused":         {`{"a`, faultTruncated, 3},
		"an object cut off behind a key is refused":     {`{"a"`, faultTruncated, 4},
		"an object cut off behind the colon is refused": {`{"a":`, faultTruncated, 5},
		"an object cut off behind a value is refused":   {`{"a":1`, faultTruncated, 6},
		"an object cut off behind a comma is refused":   {`{"a":1,`, faultTruncated, 7},
		"an array cut off is refused":                   {`[1`, faultTruncated, 2},
		"an array cut off behind a comma is refused":    {`[1,`, faultTruncated, 3},
		"a key without quotes is refused":               {`{a:1}`, faultKey, 1},
		"a comma behind the last member is refused":     {`{"a":1,}`, faultKey, 7},
		"a comma behind the last element is refused":    {`[1,]`, faultValue, 3},
		"a comment is refused":                          {`{"a":1}// x`, faultTrailing, 7},
		"a missing colon is refused":                    {`{"a" 1}`, faultColon, 5},
		"a missing comma in an object is refused":       {`{"a":1 "b":2}`, faultObjectEnd, 7},
		"a missing comma in an array is refused":        {`[1 2]`, faultArrayEnd, 3},
		"a wrong bracket is refused":                    {`[1}`, faultArrayEnd, 2},
		"an array passes as top-level value":            {`[{"a":1},{"a":1}]`, "", 0},

		"64 arrays inside each other pass":                {nested("[", "", "]", 64), "", 0},
		"65 arrays inside each other are refused":         {nested("[", "", "]", 65), faultDepth, 64},
		"64 objects inside each other pass":               {nested(`{"a":`, "1", "}", 64), "", 0},
		"65 objects inside each other are refused":        {nested(`{"a":`, "{}", "}", 64), faultDepth, 64 * 5},
		"depth is forgotten behind a closing bracket":     {"[" + nested("[", "", "]", 63) + "," + nested("[", "", "]", 63) + "]", "", 0},
		"a megabyte of brackets is refused at the 65th":   {strings.Repeat("[", 1<<20), faultDepth, 64},
		"a key twice in one object is refused":            {`{"a":1,"b":2,"a":3}`, faultDuplicate, 13},
		"a key twice with equal values is refused":        {`{"a":1,"a":1}`, faultDuplicate, 7},
		"the empty key twice is refused":                  {`{"":1,"":2}`, faultDuplicate, 6},
		"keys compare as decoded":                         {`{"a":1,"\u0061":2}`, faultDuplicate, 7},
		"keys compare as decoded the other way round":     {`{"\u0061":1,"a":2}`, faultDuplicate, 12},
		"keys compare as decoded beyond 16 bits":          {`{"😀":1,"\uD83d\ude00":2}`, faultDuplicate, 10},
		"short escapes compare with long ones":            {`{"\n\/":1,"\u000a/":2}`, faultDuplicate, 10},
		"an escaped backslash begins no escape":           {`{"\\u0061":1,"\u0061":2}`, "", 0},
		"keys compare by case":                            {`{"a":1,"A":2}`, "", 0},
		"keys do not compare by normal form":              {"{\"\u00e9\":1,\"e\u0301\":2}", "", 0},
		"a key may stand again in an inner object":        {`{"a":{"a":{"a":1}}}`, "", 0},
		"a key may stand again in the next object":        {`[{"a":1},{"a":1}]`, "", 0},
		"a key twice around an inner object is refused":   {`{"a":{"b":1},"a":2}`, faultDuplicate, 13},
		"the last of ten thousand keys is not overlooked": {manyKeys(10_000, ""), "", 0},

		"invalid UTF-8 is refused":                           {"\"a\xff\"", faultUTF8, 2},
		"invalid UTF-8 in a key is refused":                  {"{\"\xc3\x28\":1}", faultUTF8, 2},
		"an overlong encoding is refused":                    {"\"\xc0\x80\"", faultUTF8, 1},
		"a surrogate in UTF-8 is refused":                    {"\"\xed\xa0\x80\"", faultUTF8, 1},
		"a character beyond Unicode is refused":              {"\"\xf4\x90\x80\x80\"", faultUTF8, 1},
		"a character cut off is refused":                     {"\"\xe4\xb8", faultUTF8, 1},
		"invalid UTF-8 outside strings is refused":           {"\xff", faultValue, 0},
		"a replacement character passes":                     {"\"\ufffd\"", "", 0},
		"characters of every length pass":                    {"\"aé漢😀\x7f\"", "", 0},
		"a NUL byte in a string is refused":                  {"\"a\x00b\"", faultControl, 2},
		"a line feed in a string is refused":                 {"\"a\nb\"", faultControl, 2},
		"an escaped NUL passes":                              {`"\u0000"`, "", 0},
		"every short escape passes":                          {`"\"\\\/\b\f\n\r\t"`, "", 0},
		"an unknown escape is refused":                       {`"\x41"`, faultEscape, 1},
		"an escape with too few digits is refused":           {`"\u12"`, faultEscape, 5},
		"a string cut off behind a backslash is refused":     {`"\`, faultTruncated, 2},
		"a string cut off in an escape is refused":           {`"\u00`, faultTruncated, 5},
		"a surrogate pair passes":                            {`"\ud83d\uDE00"`, "", 0},
		"a high surrogate alone is refused":                  {`"\ud83d"`, faultSurrogate, 1},
		"a high surrogate before a character is refused":     {`"\ud83dx"`, faultSurrogate, 1},
		"a high surrogate before another escape is refused":  {`"\ud83d\n"`, faultSurrogate, 1},
		"a high surrogate before an escape of a letter too":  {`"\ud83d\u0041"`, faultSurrogate, 1},
		"two high surrogates are refused":                    {`"\ud83d\ud83d"`, faultSurrogate, 1},
		"a low surrogate alone is refused":                   {`"\ude00"`, faultSurrogate, 1},
		"a pair the wrong way round is refused":              {`"\ude00\ud83d"`, faultSurrogate, 1},
		"a pair cut off behind its first half is refused":    {`"\ud83d`, faultTruncated, 7},
		"a pair cut off behind the second backslash too":     {`"\ud83d\`, faultTruncated, 8},
		"a pair cut off in its second half is refused":       {`"\ud83d\ude`, faultTruncated, 11},
		"the characters around the surrogates pass":          {`"\ud7ff\ue000"`, "", 0},
		"a pair with a digit missing in the middle is found": {`"\ud83d\uzz00"`, faultEscape, 9},

		"numbers of every form pass":                      {"[0,-0,1,-1,10,0.5,-0.5,1e5,1E+5,1e-5,1.25e05]", "", 0},
		"a leading zero is refused":                       {"[01]", faultArrayEnd, 2},
		"a plus sign is refused":                          {"[+1]", faultValue, 1},
		"a minus sign alone is refused":                   {"[-]", faultNumber, 2},
		"a number without a whole part is refused":        {"[.5]", faultValue, 1},
		"a number without a fraction's digits is refused": {"[1.]", faultNumber, 3},
		"a number without an exponent's digits too":       {"[1e+]", faultNumber, 4},
		"hexadecimal is refused":                          {"[0x10]", faultArrayEnd, 2},
		"NaN is refused":                                  {"[NaN]", faultValue, 1},
		"infinity is refused":                             {"[-Infinity]", faultNumber, 2},
		"a number cut off behind its sign is refused":     {"-", faultTruncated, 1},
		"a number cut off behind its point is refused":    {"1.", faultTruncated, 2},
		"a number cut off in its exponent is refused":     {"1e", faultTruncated, 2},
		"an exponent of 1024 passes":                      {"[1e1024,1e-1024,1e0001024]", "", 0},
		"an exponent of 1025 is refused":                  {"[1e1025]", faultExponent, 1},
		"an exponent of -1025 is refused":                 {"[1e-1025]", faultExponent, 1},
		"an exponent beyond any integer is refused":       {"[0e99999999999999999999999999]", faultExponent, 1},
		"a number of 1024 bytes passes":                   {strings.Repeat("7", 1024), "", 0},
		"a number of 1025 bytes is refused":               {strings.Repeat("7", 1025), faultNumberLength, 0},
		"a fraction of 60,000 digits is refused":          {"[0." + strings.Repeat("7", 60_000) + "]", faultNumberLength, 1},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			err := scan([]byte(test.text), 64)
			if test.fault == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				if !json.Valid([]byte(test.text)) {
					t.Fatal("accepted, against encoding/json")
				}
				return
			}
			if err == nil {
				t.Fatalf("accepted; want %q at byte %d", test.fault, test.at)
			}
			if err.fault != test.fault || err.at != test.at {
				t.Errorf("got %q at byte %d, want %q at byte %d", err.fault, err.at, test.fault, test.at)
			}
		})
	}
}

// manyKeys returns an object with n different keys, each beginning with prefix.
func manyKeys(n int, prefix string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%s%d":1`, prefix, i)
	}
	return b.String() + "}"
}

func TestScanFindsTheOneDuplicateAmongManyKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.StringN(0, 6, -1), 1, 300, rapid.ID).Draw(t, "keys")
		if err := scan(objectOf(t, keys), 1); err != nil {
			t.Fatalf("different keys refused: %v", err)
		}
		again := rapid.SampledFrom(keys).Draw(t, "again")
		at := rapid.IntRange(0, len(keys)).Draw(t, "at")
		twice := append(append(append([]string(nil), keys[:at]...), again), keys[at:]...)
		err := scan(objectOf(t, twice), 1)
		if err == nil || err.fault != faultDuplicate || err.key != again {
			t.Fatalf("got %v, want the duplicate of %q", err, again)
		}
	})
}

// objectOf returns an object with these keys, each written in one of the ways in which it may be.
func objectOf(t *rapid.T, keys []string) []byte {
	text := []byte{'{'}
	for i, key := range keys {
		if i > 0 {
			text = append(text, ',')
		}
		if rapid.Bool().Draw(t, "escaped") {
			text = append(text, '"')
			for _, unit := range utf16.Encode([]rune(key)) {
				text = fmt.Appendf(text, `\u%04x`, unit)
			}
			text = append(text, '"')
		} else {
			quoted, err := json.Marshal(key)
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, quoted...)
		}
		text = append(text, ":0"...)
	}
	return append(text, '}')
}

func TestScanDoesNotAllocateForAnOrdinaryRecord(t *testing.T) {
	s := new(scanner) // not from the pool, which the race detector empties at random
	for name, text := range map[string]string{
		"event":     event,
		"escapes":   `{"\u0061":"\ud83d\ude00","b\n":"\t"}`,
		"half full": manyKeys(keptKeys, ""),
	} {
		data := []byte(text)
		if n := testing.AllocsPerRun(100, func() {
			if err := s.scan(data, 64); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestScannerKeepsNothingOfARecord(t *testing.T) {
	t.Parallel()
	s := new(scanner)
	if err := s.scan([]byte(manyKeys(2*keptKeys, "")), 64); err != nil {
		t.Fatal(err)
	}
	if s.data != nil {
		t.Error("the scanner keeps the record")
	}
	for range 3 {
		if err := s.scan([]byte(event), 64); err != nil {
			t.Errorf("keys of an earlier record count: %v", err)
		}
	}
	if len(s.hashes) > keptKeys {
		t.Errorf("%d keys kept, want at most %d", len(s.hashes), keptKeys)
	}
	if cap(s.tokens) > keptTokens {
		t.Errorf("%d tokens kept, want at most %d", cap(s.tokens), keptTokens)
	}
	if err := s.read([]byte(`"`+strings.Repeat(`\n`, 2*keptScratch)+`"`), 64); err != nil {
		t.Fatal(err)
	}
	if n := len(s.decoded(root)); n != 2*keptScratch {
		t.Errorf("a string of %d bytes, want %d", n, 2*keptScratch)
	}
	if s.release(); cap(s.scratch) > keptScratch {
		t.Errorf("%d bytes kept, want at most %d", cap(s.scratch), keptScratch)
	}
}

func TestScanErrorIsOneShortLine(t *testing.T) {
	t.Parallel()
	for rule, key := range map[string]string{
		"a long key is shortened":              strings.Repeat("k", 10_000),
		"control characters are quoted":        strings.Repeat("\u0000", 10_000),
		"characters are not cut in the middle": strings.Repeat("漢", 10_000),
		"line separators are quoted":           strings.Repeat("\u2028", 10_000),
		"quotes and backslashes are quoted":    strings.Repeat(`"\`, 10_000),
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			quoted, err := json.Marshal(key)
			if err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf("{%s:1,%s:2}", quoted, quoted)
			e := scan([]byte(text), 64)
			if e == nil || e.fault != faultDuplicate {
				t.Fatalf("got %v, want a duplicate key", e)
			}
			isOneLine(t, e.Error(), maxDetail)
			if !strings.HasSuffix(e.Error(), fmt.Sprintf("at byte %d", len(quoted)+4)) {
				t.Errorf("%q does not say where", e.Error())
			}
		})
	}
}

// Whatever the first bytes: what is said of them has none of them.
func TestWhatTheFirstBytesTellIsOneLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		first := rapid.SampledFrom([]string{"", "\x00", "\x00\x00", "\ufeff", "\xff\xfe", "\xfe\xff", "\x1f\x8b\x08", "PK\x03\x04"}).Draw(rt, "first")
		if e := scan(append([]byte(first), rapid.SliceOf(rapid.Byte()).Draw(rt, "rest")...), 64); e != nil {
			isOneLine(t, e.Error(), maxDetail)
		}
	})
}

func isOneLine(t *testing.T, s string, limit int) {
	t.Helper()
	if len(s) > limit {
		t.Errorf("%d bytes, want at most %d: %q", len(s), limit, s)
	}
	if !utf8.ValidString(s) {
		t.Errorf("invalid UTF-8: %q", s)
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("not printable at byte %d: %q", i, s)
	}
}
