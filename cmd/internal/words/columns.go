package words

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Width returns how many columns visible text takes on a terminal. East Asian characters take two.
func Width(text string) int {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return uniseg.StringWidth(text)
		}
	}
	return len(text)
}

// Cut shortens visible text to a width, and shows that it did.
func Cut(text string, width int) string {
	if Width(text) <= width {
		return text
	}
	if width < 1 {
		return ""
	}
	return text[:fitting(text, width-1)] + "…"
}

// fitting returns how many bytes of text fit into a width.
func fitting(text string, width int) int {
	end, used := 0, 0
	for g := uniseg.NewGraphemes(text); g.Next(); {
		if used += g.Width(); used > width {
			break
		}
		_, end = g.Positions()
	}
	return end
}

// Pad fills text up to a width.
func Pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-Width(text)))
}

// PadLeft fills text up to a width on its left.
func PadLeft(text string, width int) string {
	return strings.Repeat(" ", max(0, width-Width(text))) + text
}

// Wrap breaks text between words so that its lines fit a width, where that is possible. It makes one space
// of several.
func Wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && Width(line)+1+Width(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// Fit returns a line as it is if it fits a width, or if that is 0, which is any; otherwise it is broken between words.
func Fit(line string, width int) string {
	if width == 0 || Width(line) <= width {
		return line
	}
	return strings.Join(Wrap(line, width), "\n")
}
