package view

// A Palette is how output looks. The zero Palette has no colours.
type Palette struct{ coloured bool }

// Coloured is the palette of a terminal that shows colours.
func Coloured() Palette { return Palette{coloured: true} }

func (p Palette) paint(code, text string) string {
	if !p.coloured || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p Palette) title(text string) string { return p.paint("1", text) }
func (p Palette) faint(text string) string { return p.paint("2", text) }
func (p Palette) bad(text string) string   { return p.paint("31", text) }
func (p Palette) good(text string) string  { return p.paint("32", text) }
func (p Palette) warn(text string) string  { return p.paint("33", text) }
