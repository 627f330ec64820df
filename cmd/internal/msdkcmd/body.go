package msdkcmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/msdkclient"
)

// maxBody is the most that a body, or a file in one, may have in bytes.
const maxBody = 64 << 20

// A request is what a call posts.
type request struct {
	what   *msdkclient.Call
	openid string // in the URL; empty: none
	body   []byte
}

// bodyFlags say what is posted.
type bodyFlags struct {
	cmd     *cobra.Command
	data    []string
	fields  []string
	example string // its name, or anyExample
	openid  string
}

// anyExample stands for --example without a name.
const anyExample = "any"

func newBodyFlags(cmd *cobra.Command) *bodyFlags {
	f := &bodyFlags{cmd: cmd}
	cmd.Flags().StringArrayVarP(&f.data, "data", "d", nil, "the whole body, as it is: `JSON|@FILE|-`")
	cmd.Flags().StringArrayVarP(&f.fields, "field", "F", nil, "a field of the body, `NAME=VALUE`, or NAME=@FILE for what is in a file; repeat it for more")
	cmd.Flags().StringVar(&f.example, "example", "", "begin with an example of the interface document, `NAME`, NAME/ja or ja; -F changes it")
	cmd.Flags().Lookup("example").NoOptDefVal = anyExample
	cmd.Flags().StringVar(&f.openid, "openid", "", "`OPENID` in the URL; by itself that of the body, or the first there")
	return f
}

// given tells whether anything is said of the body.
func (f *bodyFlags) given() bool { return f.data != nil || f.fields != nil || f.example != "" }

// request makes the request of a call by an app.
func (f *bodyFlags) request(what *msdkclient.Call, app msdkclient.App) (r request, err error) {
	composed := f.example != "" || f.fields != nil
	switch {
	case len(f.data) > 1:
		return r, cli.Usage(f.cmd, errors.New("-d is given twice: it is the whole body"))
	case len(f.data) == 1 && composed:
		return r, cli.Usage(f.cmd, errors.New("-d is the whole body: it goes with neither -F nor --example"))
	case len(f.data) == 0 && !composed:
		return r, cli.Usage(f.cmd, fmt.Errorf("which body? -F NAME=VALUE is needed (%s), or --example, or -d", strings.Join(needed(what, app), ", ")))
	}
	r.what = what
	answered := ""
	if len(f.data) == 1 {
		r.body, err = f.read(f.data[0])
	} else {
		r.body, answered, err = f.compose(what, app)
	}
	if err != nil {
		return r, err
	}
	r.openid = f.openid
	if !f.cmd.Flags().Changed("openid") && what.Path != msdkclient.PathUploadPicture {
		tree, _ := parse(r.body)
		if r.openid = userOf(tree); r.openid == "" {
			r.openid = answered
		}
	}
	return r, nil
}

// needed names the fields that a body cannot be without, and that do not follow from the app.
func needed(what *msdkclient.Call, app msdkclient.App) (names []string) {
	d, err := newDocument(what, app)
	for _, field := range what.RequestFields() {
		if field.Required && (err != nil || d.tree[field.Name] == nil) {
			names = append(names, field.Name)
		}
	}
	return names
}

// read is the body that -d gives.
func (f *bodyFlags) read(data string) ([]byte, error) {
	name, isFile := strings.CutPrefix(data, "@")
	switch {
	case data == "-":
		return f.file("-")
	case isFile:
		return f.file(name)
	}
	if _, err := os.Stat(data); err == nil {
		cli.Complain(f.cmd, fmt.Sprintf("warning: %s is sent as the body: the file of that name is -d @%s", data, data))
	}
	return []byte(data), nil
}

// file is what is in a file, or in standard input for -.
func (f *bodyFlags) file(name string) ([]byte, error) {
	in, err := cli.OpenInput(f.cmd, []string{name})
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxBody+1))
	if err == nil && len(text) > maxBody {
		err = fmt.Errorf("%s has more than %d MiB, which no call posts", cli.InputName([]string{name}), maxBody>>20)
	}
	return text, err
}

// compose puts the body together. Of an example comes the user that its answer is of.
func (f *bodyFlags) compose(what *msdkclient.Call, app msdkclient.App) (body []byte, answered string, err error) {
	var d *document
	if f.example == "" {
		d, err = newDocument(what, app)
	} else {
		var e msdkclient.Example
		if e, err = f.chosen(what); err == nil {
			d, err = readDocument(what, e.Request)
		}
		answer, _ := parse(e.Response)
		answered = userOf(answer)
	}
	if err != nil {
		return nil, "", err
	}
	d.identify(app)
	s := &setter{given: map[string]bool{}}
	for _, given := range f.fields {
		if err := f.set(d, s, given); err != nil {
			return nil, "", cli.Usage(f.cmd, fmt.Errorf("-F %w", err))
		}
	}
	return d.text(), answered, nil
}

// set does what one -F says.
func (f *bodyFlags) set(d *document, s *setter, given string) error {
	name, text, ok := strings.Cut(given, "=")
	if !ok {
		return fmt.Errorf("%q: want NAME=VALUE", shorten(given))
	}
	path, err := parsePath(name)
	if err != nil {
		return err
	}
	if len(path) == 0 {
		return fmt.Errorf("%q: want NAME=VALUE", shorten(given))
	}
	isPicture := d.what.Path == msdkclient.PathUploadPicture && name == "binary"
	file, isFile := strings.CutPrefix(text, "@")
	switch {
	case isFile && strings.HasPrefix(file, "@"):
		text = file // it begins with one
	case isFile:
		content, err := f.file(file)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if text = strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r"); isPicture {
			text = string(msdkclient.PercentEncode(content))
			d.describe(s, file, content)
		}
	}
	tree, err := s.set(root(d.what), "", d.tree, path, text)
	if err == nil {
		d.tree = tree.(map[string]any)
	}
	return err
}

// describe fills in what follows from a picture's file, but for what is given otherwise, before or later.
func (d *document) describe(s *setter, file string, picture []byte) {
	kind := mime.TypeByExtension(filepath.Ext(file))
	if !strings.HasPrefix(kind, "image/") {
		kind = http.DetectContentType(picture)
	}
	for name, value := range map[string]any{
		"filename": filepath.Base(file), "filelength": json.Number(strconv.Itoa(len(picture))), "content_type": kind,
	} {
		if !s.given[name] {
			d.tree[name] = value
		}
	}
}

// chosen is the example that is asked for.
func (f *bodyFlags) chosen(what *msdkclient.Call) (msdkclient.Example, error) {
	all := what.Examples()
	var names []string
	best := -1
	for i, e := range all {
		name := exampleName(e)
		names = append(names, name)
		switch f.example {
		case name, e.Name + "/" + e.Edition:
			return e, nil
		case anyExample, e.Edition:
			if best < 0 || all[best].Name != "" && e.Name == "" && e.Edition == all[best].Edition {
				best = i
			}
		}
	}
	if best < 0 {
		return msdkclient.Example{}, cli.Usage(f.cmd, fmt.Errorf("--example %q: want %s%s", f.example, strings.Join(names, ", "), cli.Suggestion(f.example, names)))
	}
	if all[best].Name != "" {
		remark(f.cmd, "example %s, of %s", names[best], strings.Join(names, ", "))
	}
	return all[best], nil
}

// exampleName is what people call an example among those of its call: its name, its edition if that is the older, or both.
func exampleName(e msdkclient.Example) string {
	switch {
	case e.Edition == "en" && e.Name != "":
		return e.Name
	case e.Name != "":
		return e.Name + "/" + e.Edition
	default:
		return e.Edition
	}
}

// userOf is the user that a body is about first; empty: it names none.
func userOf(tree any) string {
	body, _ := tree.(map[string]any)
	if openid, ok := body["openid"].(string); ok && openid != "" {
		return openid
	}
	if openids, ok := body["openids"].([]any); ok && len(openids) > 0 {
		first, _ := openids[0].(string)
		return first
	}
	report := body["json"]
	if list, ok := report.([]any); ok && len(list) > 0 {
		report = list[0]
	}
	data, _ := report.(map[string]any)
	base, _ := data["baseinfo"].(map[string]any)
	openid, _ := base["openid"].(string)
	return openid
}
