package schema

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

// event is an ordinary record as game servers write it: about 350 bytes, without white space.
const event = `{"baseinfo":{"openid":"odFzSjp6jND4U0uRS35PW7c7NKvs","gamename":"Universal Aircraft War","platid":0,` +
	`"partitionid":"9","roleid":"wongcai","level":2},"battleinfo":{"score":4288625,"iswin":true},"userdefined":{` +
	`"goldcoin":{"name":"gold coin","value":358267},"power":{"name":"physical power","value":86542},` +
	`"plane":{"name":"warplane","value":"Seraph Mk II"}}}`

func BenchmarkScan(b *testing.B) {
	data := []byte(event)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := scan(data, 64); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJSONValid is the yardstick of BenchmarkScan and BenchmarkWalk: it finds no duplicate keys, invalid UTF-8 or half
// surrogate pairs, and knows no schema.
func BenchmarkJSONValid(b *testing.B) {
	for name, text := range map[string]string{"event": event, "eventJA": eventJA} {
		b.Run(name, func(b *testing.B) {
			data := []byte(text)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if !json.Valid(data) {
					b.Fatal("not valid")
				}
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, name := range BuiltIns() {
		b.Run(name, func(b *testing.B) {
			s, err := Load(name, Limits{})
			if err != nil {
				b.Fatal(err)
			}
			data := []byte(eventOf(name))
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, refusal := s.Check(data); refusal != nil {
					b.Fatal(refusal)
				}
			}
		})
	}
}

// eventJA is event as far as the older edition knows it.
const eventJA = `{"baseinfo":{"openid":"odFzSjp6jND4U0uRS35PW7c7NKvs","gamename":"Universal Aircraft War","platid":0,` +
	`"partitionid":9,"roleid":"wongcai","level":2},"battleinfo":{"score":4288625,"modeid":1,"acttime":"2014-09-24 13:10:45"}}`

// BenchmarkHostile measures records made to be slow, most of nearly 64 KiB, against a schema that makes the validator
// calculate. What they cost should stay within a small factor of "plain numbers", which is the validator's own pace.
func BenchmarkHostile(b *testing.B) {
	s, err := Load("testdata/numbers.schema.json", Limits{})
	if err != nil {
		b.Fatal(err)
	}
	const room = 64<<10 - 200
	record := func(extra string) string {
		return `{"baseinfo":{"openid":"u","platid":0},"battleinfo":{},"extra":` + extra + `}`
	}
	list := func(element string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(element+",", room/(len(element)+1)), ",") + "]"
	}
	for name, value := range map[string]string{
		"one number of 60,000 digits":  record(strings.Repeat("7", 60_000)),
		"numbers of 1,024 digits":      record(list(strings.Repeat("7", maxNumberBytes))),
		"biggest exponents":            record(list("7e1024")),
		"smallest exponents":           record(list("7e-1024")),
		"6,000 keys":                   record(manyKeys(6_000, "")),
		"plain numbers":                record(list("700000")),
		"keys that need decoding":      record(manyKeys(4_000, `\u0041`)),
		"objects of 100 keys":          record(list(manyKeys(100, "a"))),
		"objects of 24 keys":           record(list(manyKeys(24, "a"))),
		"objects of 8 escaped keys":    record(list(manyKeys(8, `\u0041`))),
		"objects with one key":         record(list(`{"a":0}`)),
		"one string, full of escapes":  record(`"` + strings.Repeat(`\ud83d\ude00`, room/12) + `"`),
		"one key, full of escapes":     record(`{"` + strings.Repeat(`\ud83d\ude00`, room/12) + `":0}`),
		"duplicates of one giant key":  record(`{"` + strings.Repeat("k", room/2) + `":0,"` + strings.Repeat("k", room/2) + `":0}`),
		"wrong in ten thousand places": record(list(`""`)),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(value)))
			for b.Loop() {
				s.Check([]byte(value))
			}
		})
	}
}

// BenchmarkWalk measures the accepting path without the Report: one scan, and the program held against its outline.
func BenchmarkWalk(b *testing.B) {
	for _, name := range BuiltIns() {
		b.Run(name, func(b *testing.B) {
			program := mustLoad(b, name).program
			data := []byte(eventOf(name))
			s := new(scanner)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.read(data, 64); err != nil {
					b.Fatal(err)
				}
				if program.check(&s.outline, nil) != pass {
					b.Fatal("not decided")
				}
			}
		})
	}
}

// BenchmarkBounds holds a number against two bounds, as a decimal and as what would do in its place.
func BenchmarkBounds(b *testing.B) {
	for _, number := range []string{"4288625", "0.735", "12.5e3"} {
		b.Run("decimal/"+number, func(b *testing.B) {
			text, most := []byte(number), decimal{digits: 1, exponent: 8}
			b.ReportAllocs()
			for b.Loop() {
				if d, ok := parseDecimal(text); !ok || d.compare(decimal{}) < 0 || d.compare(most) > 0 {
					b.Fatal("out of bounds")
				}
			}
		})
		b.Run("rat/"+number, func(b *testing.B) {
			text, least, most := []byte(number), new(big.Rat), big.NewRat(1e8, 1)
			b.ReportAllocs()
			for b.Loop() {
				if r, ok := new(big.Rat).SetString(string(text)); !ok || r.Cmp(least) < 0 || r.Cmp(most) > 0 {
					b.Fatal("out of bounds")
				}
			}
		})
	}
}

// BenchmarkValidator is the yardstick of BenchmarkWalk: what the same answer costs from the validator, decoding
// included and the scan not.
func BenchmarkValidator(b *testing.B) {
	for _, name := range BuiltIns() {
		b.Run(name, func(b *testing.B) {
			s := mustLoad(b, name)
			data := []byte(eventOf(name))
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if refusal := s.askValidator(data); refusal != nil {
					b.Fatal(refusal)
				}
			}
		})
	}
}

// eventOf returns the event that suits a built-in schema.
func eventOf(name string) string {
	if name == "builtin:ja" {
		return eventJA
	}
	return event
}
