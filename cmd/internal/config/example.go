package config

import "strings"

// Example returns a commented configuration: every key with its default, meaning and range, and one app. It passes
// [Parse] where MSDK_APPKEY is set.
func Example() []byte {
	e := &example{}
	e.comment("", "Configuration of battlereport. Every key but apps may be left out: it then has the value given here.")
	e.comment("", "Any string may hold ${VAR}, an environment variable, or ${VAR:-default} or ${VAR:?message} for where it is not set or empty; without the colon, where it is not set. $${ is a literal ${. A secret can also be given as KEY_file, "+
		"the file that holds it, its line end aside. Keys at the top that begin with x- are left alone: << merges what they mark. Files are relative to the directory of this one. Durations: 200ms, 5s, 1h30m. Sizes: 4096, 512KiB, 1MB.")
	config := Default()
	e.fields("", fields(&config, ""))
	return []byte(e.out.String())
}

type example struct{ out strings.Builder }

func (e *example) fields(indent string, fields []field) {
	for _, f := range fields {
		if indent == "" {
			e.line("", "")
		}
		if f.aside {
			e.comment(indent, f.key+": "+f.doc+allowed(f))
			continue
		}
		e.comment(indent, f.doc+allowed(f))
		switch {
		case f.group != nil:
			e.line(indent, f.key+":")
			e.fields(indent+"  ", f.group)
		case f.list != nil && f.list.elem.group != nil:
			e.line(indent, f.key+":")
			e.line(indent, "  -")
			e.fields(indent+"    ", f.list.elem.group)
		default:
			e.leaf(indent, f)
		}
	}
}

// allowed says what a key's value may be, after its meaning.
func allowed(f field) string {
	switch {
	case f.list != nil && f.list.elem.scalar != nil:
		return " Allowed: " + f.list.want() + "."
	case f.scalar != nil:
		return " Allowed: " + f.scalar.want + "."
	}
	return ""
}

func (e *example) leaf(indent string, f field) {
	value := f.example
	switch {
	case value != "":
	case f.list != nil:
		value = f.list.text()
	default:
		value = f.scalar.text()
	}
	e.line(indent, f.key+": "+value)
	if f.file != nil {
		e.comment(indent, "Or "+fileKey(f)+": "+f.file.want+".")
	}
}

func (e *example) line(indent, text string) {
	e.out.WriteString(indent + text + "\n")
}

// comment writes text in lines of at most 100 columns.
func (e *example) comment(indent, text string) {
	line := "#"
	for word := range strings.FieldsSeq(text) {
		if len(line) > 1 && len(indent)+len(line)+1+len(word) > 100 {
			e.line(indent, line)
			line = "#"
		}
		line += " " + word
	}
	e.line(indent, line)
}
