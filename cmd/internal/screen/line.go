package screen

import "strings"

// Visible is how many characters a line of a view shows. Text in views is ASCII but for escape sequences.
func Visible(line string) int {
	n := 0
	for i := 0; i < len(line); i++ {
		if line[i] == '\x1b' {
			i += strings.IndexByte(line[i:], 'm')
			continue
		}
		n++
	}
	return n
}

// Cut shortens a line to width visible characters, escape sequences kept.
func Cut(line string, width int) string {
	if Visible(line) <= width {
		return line
	}
	var b strings.Builder
	n := 0
	for i := 0; i < len(line); i++ {
		if line[i] == '\x1b' {
			end := i + strings.IndexByte(line[i:], 'm')
			b.WriteString(line[i : end+1])
			i = end
			continue
		}
		if n < width {
			b.WriteByte(line[i])
		}
		n++
	}
	return b.String()
}
