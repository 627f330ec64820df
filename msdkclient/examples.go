package msdkclient

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed testdata/examples
var examples embed.FS

// Example is a request of the interface document with its answer, word for word.
type Example struct {
	Edition  string // "en" or "ja"
	Name     string // where a call has several, what this one shows: "image"; else empty
	Request  []byte // the body, JSON
	Response []byte // the answer; that of /share/upload_wx is not quite JSON
}

// Examples returns those that the two editions of the interface document have of a call, English first. That of
// /profile/wxbattle_report with the name "many" is put together from the format that the English edition describes.
func (c *Call) Examples() []Example {
	var all []Example
	for _, edition := range []string{"en", "ja"} {
		dir := "testdata/examples/" + edition + path.Dir(c.Path)
		requests, err := fs.Glob(examples, dir+"/*.request.json")
		if err != nil {
			panic(err) // the pattern is ours
		}
		for _, file := range requests {
			stem := strings.TrimSuffix(file, ".request.json")
			base, name, _ := strings.Cut(path.Base(stem), ".")
			if base == path.Base(c.Path) {
				all = append(all, Example{edition, name, mustRead(file), mustRead(stem + ".response.json")})
			}
		}
	}
	return all
}

func mustRead(file string) []byte {
	text, err := examples.ReadFile(file)
	if err != nil {
		panic(err) // they are part of the program
	}
	return text
}
