package openapi

import (
	"regexp"
	"strings"
	"testing"
)

// What only someone who writes Go has a use for.
var ofGo = regexp.MustCompile(`\[\*?[A-Z]|\bnil\b|non-nil|\bClient\b|\bApp\b|\x00`)

func TestEverythingIsDescribedInWordsThatSpeakOfNoGo(t *testing.T) {
	t.Parallel()
	all := tree(t, described())
	check := func(what string, v any) {
		words, _ := v.(map[string]any)["description"].(string)
		if words == "" || strings.Contains(words, "..") {
			t.Errorf("%s is described by %q", what, words)
		}
		if found := ofGo.FindString(words); found != "" {
			t.Errorf("%s is described by %q, with %q in it", what, words, found)
		}
	}
	for path, item := range at(t, all, "paths").(map[string]any) {
		check(path, at(t, item, "post"))
	}
	for name, p := range at(t, all, "components", "parameters").(map[string]any) {
		check(name, p)
	}
	for name, s := range at(t, all, "components", "schemas").(map[string]any) {
		check(name, s)
		for field, f := range at(t, s, "properties").(map[string]any) {
			check(name+"."+field, f)
		}
	}
}

func TestWordsAreThoseOfTheComments(t *testing.T) {
	t.Parallel()
	w := readWords()
	for comment, want := range map[string]string{
		"MediaID is the picture's.\n": "`media_id` is the picture's.",
		"Plain words.\n":              "Plain words.",
		"For [ShareMessageRequest.ThumbMediaID], of\nthe [Button].\n":         "For `thumb_media_id` of ShareMessageRequest, of the Button.",
		"It is like [Client.Friends]. A non-nil error is an [*Error].\n":      "It is like Friends.",
		"First. Empty: that of the [App]. Last.\n":                            "First. Last.",
		"The [Client] makes it.\n":                                            "",
		"One paragraph.\n\nThe next, of MediaID.\n":                           "One paragraph.\n\nThe next, of `media_id`.",
		"One paragraph.\n\nThe [Client] alone.\n":                             "One paragraph.",
		"Such as \"b.jpg\", 3.1.1. With Ret -1, MediaIDs stay as they are.\n": "Such as \"b.jpg\", 3.1.1. With `ret` -1, MediaIDs stay as they are.",
	} {
		w.comments["X"] = comment
		w.names["Both"] = map[string]string{"MediaID": "media_id", "Ret": "ret"}
		if got := w.sentences("X", "Both"); got != want {
			t.Errorf("%q becomes %q, want %q", comment, got, want)
		}
	}
}
