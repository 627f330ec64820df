package msdktest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/battlereport/battlereport/msdkclient"
)

// fault is what is wrong with a field of a body.
type fault struct {
	path  string // "button.rankview", "element 1: baseinfo.openid"
	what  string // "must be a string", "is missing"
	cause string // what it is instead, or why it may be so
}

func (f *fault) String() string {
	s := f.path + " " + f.what
	if f.cause != "" {
		s += ": " + f.cause
	}
	return s
}

// in says that the fault was found in a field of that name.
func (f *fault) in(name string) *fault {
	switch {
	case f == nil, strings.HasPrefix(f.path, "element "): // of json, the only list of objects
	case f.path == "" || f.path[0] == '[':
		f.path = name + f.path
	default:
		f.path = name + "." + f.path
	}
	return f
}

// checkObject finds what the fields do not allow in an object. What has no field may be anything.
func checkObject(fields []*msdkclient.Field, object []byte) *fault {
	var seen uint64
	for name, value := range members(object) {
		for i, f := range fields {
			if isName(name, f.Name) {
				seen |= 1 << i
				if ft := checkValue(f, value); ft != nil {
					return ft.in(f.Name)
				}
			}
		}
	}
	for i, f := range fields {
		if f.Required && seen&(1<<i) == 0 {
			return &fault{path: f.Name, what: "is missing", cause: misspelt(f.Name, object)}
		}
	}
	return nil
}

// misspelt finds the member that was meant: the document has accessToken in some calls and access_token in others.
func misspelt(name string, object []byte) string {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	for n := range members(object) {
		if other := content(n); plain(other) == plain(name) {
			return fmt.Sprintf("in this call %s is spelt %s", other, name)
		}
	}
	return ""
}

func checkValue(f *msdkclient.Field, value []byte) *fault {
	kind := kindOf(value)
	n, fits := int64(0), false
	if kind == "number" {
		if n, fits = integer(value); fits || isWhole(value) { // which may be of any size
			kind = "integer"
		}
	}
	if !f.AllowsType(kind) {
		return &fault{what: "must be " + typeOf(f), cause: instead(f, kind, value)}
	}
	switch kind {
	case "object":
		return checkMembers(f, value)
	case "array":
		return checkElements(f, value)
	case "string":
		return checkText(f, value)
	case "integer":
		if limited := f.Enum != nil || f.Min != nil || f.Max != nil; limited && !fits ||
			f.Enum != nil && !slices.Contains(f.Enum, strconv.FormatInt(n, 10)) ||
			f.Min != nil && n < *f.Min || f.Max != nil && n > *f.Max {
			return &fault{what: "must be " + f.Wanted(), cause: "it is " + clip(string(value))}
		}
	}
	return nil
}

func checkMembers(f *msdkclient.Field, object []byte) *fault {
	if f.Fields != nil || f.Elem == nil {
		return checkObject(f.Fields, object)
	}
	for name, value := range members(object) {
		if ft := checkValue(f.Elem, value); ft != nil {
			return ft.in(clip(content(name)))
		}
	}
	return nil
}

func checkElements(f *msdkclient.Field, array []byte) *fault {
	none := true
	for i, value := range elements(array) {
		none = false
		ft := checkValue(f.Elem, value)
		switch {
		case ft == nil:
			continue
		case f.Elem.Fields == nil:
			ft.path = fmt.Sprintf("[%d]", i)
		case ft.path == "":
			ft.path = fmt.Sprintf("element %d", i)
		default:
			ft.path = fmt.Sprintf("element %d: %s", i, ft.path)
		}
		return ft
	}
	if none && f.Required {
		return &fault{what: "must be " + typeOf(f)}
	}
	return nil
}

func checkText(f *msdkclient.Field, value []byte) *fault {
	if string(value) == `""` {
		if f.Required && !f.AllowsType("integer") {
			return &fault{what: "is empty"}
		}
		return nil
	}
	if f.Enum == nil && f.Pattern == nil && f.MaxBytes == 0 {
		return nil
	}
	text := textOf(value)
	switch {
	case f.MaxBytes > 0 && len(text) > f.MaxBytes:
		return &fault{what: "must be " + f.Wanted(), cause: fmt.Sprintf("it is %d bytes", len(text))}
	case f.Enum != nil && !slices.Contains(f.Enum, text), f.Pattern != nil && !f.Pattern.MatchString(text):
		return &fault{what: "must be " + f.Wanted(), cause: "it is " + strconv.Quote(clip(text)) + looksLike(f.Name, text)}
	}
	return nil
}

// looksLike says what an expiry seems to be that is no Unix time.
func looksLike(name, text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case name != "expires" || err != nil:
		return ""
	case n > 0 && n < 1e9:
		return ", which looks like a duration"
	case n >= 1e12:
		return ", which looks like milliseconds"
	}
	return ""
}

// typeOf names the types that a field may be of.
func typeOf(f *msdkclient.Field) string {
	words := make([]string, len(f.Types))
	for i, t := range f.Types {
		words[i] = article(t)
	}
	s := strings.Join(words, " or ")
	if f.Required && f.AllowsType("array") {
		s += " with something in it"
	}
	return s
}

func article(kind string) string {
	if kind == "null" {
		return kind
	}
	if strings.ContainsRune("aeiou", rune(kind[0])) {
		return "an " + kind
	}
	return "a " + kind
}

// instead says of a value of the wrong type what it is.
func instead(f *msdkclient.Field, kind string, value []byte) string {
	switch {
	case kind == "string" && f.AllowsType("integer"):
		return "it is a string, not a number"
	case (kind == "integer" || kind == "number") && f.AllowsType("string"):
		return "it is a number, not a string"
	case kind == "number" || kind == "integer":
		return "it is " + clip(string(value))
	case kind == "null":
		return "it is null"
	default:
		return "it is " + article(kind)
	}
}

// integer reads a JSON number with an integral value, however it is written (2, 2.0, 2e0); strings are none.
func integer(text []byte) (int64, bool) {
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// isWhole reports whether a JSON number of whatever size is integral.
func isWhole(number []byte) bool {
	f, err := strconv.ParseFloat(string(number), 64)
	return !strings.ContainsAny(string(number), ".eE") || err == nil && f == math.Trunc(f)
}

// clip cuts a text from outside to a length that can be shown.
func clip(text string) string {
	const most = 64
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
