package schema

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// suiteVariable names a checkout of the JSON Schema Test Suite to take instead of the one in testdata/suite.zip, which holds
// its tests of the drafts that Load knows, their remotes and its licence, as in jsonschema 4.26.0 for Python.
const suiteVariable = "JSON_SCHEMA_TEST_SUITE"

// suiteLocation is where a compiler is told that a schema of the suite stands.
const suiteLocation = "file:///own.json"

// A suiteGroup is one schema of the suite, and JSON texts for it.
type suiteGroup struct {
	file        string
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	Tests       []struct {
		Description string          `json:"description"`
		Data        json.RawMessage `json:"data"`
		Valid       bool            `json:"valid"`
	} `json:"tests"`
}

// TestSuite has schemas of all keywords and drafts refused, and values accepted, just as the validator does it by itself.
func TestSuite(t *testing.T) {
	t.Parallel()
	suite := openSuite(t)
	for dir, draft := range map[string]*jsonschema.Draft{
		"draft4":       jsonschema.Draft4,
		"draft6":       jsonschema.Draft6,
		"draft7":       jsonschema.Draft7,
		"draft2019-09": jsonschema.Draft2019,
		"draft2020-12": jsonschema.Draft2020,
	} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join(t.TempDir(), "own.json")
			groups := readGroups(t, suite, path.Join("tests", dir))
			loaded, decided, undecided := 0, 0, 0
			for _, g := range groups {
				isWalkedInSuite(t, suite, g, inDraft(g.Schema, draft))
				for _, text := range [][]byte{inDraft(g.Schema, draft), g.Schema} { // without "$schema", the newest draft
					if path.Base(g.file) == ecmaFile {
						continue // in which the validator is wrong
					}
					s, compiled := loadInSuite(t, name, g, text)
					if s == nil {
						continue
					}
					loaded++
					for _, test := range g.Tests {
						decoded, err := decode(test.Data)
						if err != nil {
							t.Fatal(err)
						}
						refusal, err := s.Validate(test.Data), validate(compiled, decoded)
						if (refusal == nil) != (err == nil) {
							t.Errorf("%s, %s: %s: got %v; the validator says %v", g, test.Description, test.Data, refusal, err)
						}
						if verdictOn(t, s.program, string(test.Data)) == unknown {
							undecided++
						} else {
							decided++
						}
					}
				}
			}
			t.Logf("%d of twice %d schemas load; %d of their values are decided on the raw bytes, %d are not", loaded, len(groups), decided, undecided)
			if loaded < 180 || decided < 6*undecided {
				t.Error("too few")
			}
		})
	}
}

// ecmaFile holds the suite's tests of what patterns of ECMA 262 mean.
const ecmaFile = "ecmascript-regex.json"

// TestPatternsMeanWhatECMA262Says has values accepted and refused as the suite says, not as the validator does by itself.
func TestPatternsMeanWhatECMA262Says(t *testing.T) {
	t.Parallel()
	suite := openSuite(t)
	name := filepath.Join(t.TempDir(), "own.json")
	tested := 0
	for _, g := range readGroups(t, suite, "tests") {
		if path.Base(g.file) != ecmaFile || strings.Contains(g.file, "/format/") { // those ask what is a pattern, not what it means
			continue
		}
		if err := os.WriteFile(name, g.Schema, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Load(name, Limits{})
		if err != nil {
			t.Errorf("%s: %s: %v", g, g.Schema, err)
			continue
		}
		for _, test := range g.Tests {
			tested++
			if refusal := s.Validate(test.Data); (refusal == nil) != test.Valid {
				t.Errorf("%s, %s: %s: %s: got %v", g, test.Description, g.Schema, test.Data, refusal)
			}
		}
	}
	if tested < 200 {
		t.Errorf("%d tests are too few", tested)
	}
}

func (g suiteGroup) String() string { return g.file + ", " + g.Description }

func openSuite(t *testing.T) fs.FS {
	if dir := os.Getenv(suiteVariable); dir != "" {
		return os.DirFS(dir)
	}
	archive, err := zip.OpenReader(filepath.Join("testdata", "suite.zip"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := archive.Close(); err != nil {
			t.Error(err)
		}
	})
	return archive
}

func readGroups(t *testing.T, suite fs.FS, dir string) (groups []suiteGroup) {
	t.Helper()
	err := fs.WalkDir(suite, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		text, err := fs.ReadFile(suite, name)
		if err != nil {
			return err
		}
		var in []suiteGroup
		if err := json.Unmarshal(text, &in); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, g := range in {
			g.file = name
			groups = append(groups, g)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

// inDraft returns a schema with "$schema" put in if it has none: in older drafts' tests it is told by the directory.
func inDraft(schema []byte, draft *jsonschema.Draft) []byte {
	var document map[string]json.RawMessage
	if err := json.Unmarshal(schema, &document); err != nil || document["$schema"] != nil {
		return schema // the former is a boolean
	}
	brace := bytes.IndexByte(schema, '{') + 1
	comma := ","
	if len(document) == 0 {
		comma = ""
	}
	return fmt.Appendf(nil, `{"$schema":%q%s%s`, draft.URL(), comma, schema[brace:])
}

// loadInSuite returns a schema as Load has it and as a compiler has it that is told nothing but that there is no network,
// and that nothing is asserted of what is inside strings; or nil if both refuse it.
func loadInSuite(t *testing.T, name string, g suiteGroup, text []byte) (*Schema, *jsonschema.Schema) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.MediaTypes["application/json"] = nil
	c.Decoders["base64"] = nil
	c.LoadURL = func(url string) (io.ReadCloser, error) {
		if url != suiteLocation {
			return nil, fmt.Errorf("%s: no network", url)
		}
		return os.Open(name)
	}
	compiled, err := c.Compile(suiteLocation)
	s, loadErr := Load(name, Limits{})
	if (loadErr == nil) != (err == nil) {
		t.Errorf("%s: loading: got %v; the validator says %v", g, loadErr, err)
	}
	if loadErr != nil || err != nil {
		return nil, nil
	}
	return s, compiled
}

// isWalkedInSuite holds the program of a group's schema against the validator, with what the schema refers to at hand.
func isWalkedInSuite(t *testing.T, suite fs.FS, g suiteGroup, text []byte) {
	t.Helper()
	compiled, err := newCompiler(func(url string) ([]byte, error) {
		if url == suiteLocation {
			return text, checkDraft(text)
		}
		remote, err := fs.ReadFile(suite, path.Join("remotes", strings.TrimPrefix(url, "http://localhost:1234/")))
		if err != nil {
			return nil, err
		}
		return remote, checkDraft(remote)
	}).Compile(suiteLocation)
	if err != nil {
		return // a pattern that Go does not know, or a draft of the suite's own
	}
	program := newProgram(compiled)
	for _, test := range g.Tests {
		isNotContradicted(t, compiled, program, test.Data)
	}
}
