package cmd_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestEachAlertHasItsSectionInTheRunbook, to which its runbook_url leads, with what people need who are woken by it; and
// no section is left of an alert that there is no more.
func TestEachAlertHasItsSectionInTheRunbook(t *testing.T) {
	t.Parallel()
	const (
		document = "deploy/README.md"
		page     = "https://" + module + "/blob/main/" + document
	)
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/alerts/rules.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	_, runbook, _ := strings.Cut(read(t, document), "\n## Runbook\n")
	runbook, _, _ = strings.Cut(runbook, "\n## ")
	sections := map[string]string{}
	for _, s := range strings.Split(runbook, "\n### ")[1:] {
		title, text, _ := strings.Cut(s, "\n")
		sections[title] = text
	}
	var alerts []string
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" {
				continue
			}
			alerts = append(alerts, r.Alert)
			if want := page + "#" + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
				t.Errorf("%s leads to %q, not to %s", r.Alert, r.Annotations["runbook_url"], want)
			}
			if sections[r.Alert] == "" {
				t.Errorf("%s has no section in the runbook", r.Alert)
			}
		}
	}
	if alerts == nil {
		t.Fatal("there are no alerts: the rule was not tried")
	}
	words := regexp.MustCompile(`\*(Means|Affects|Look at|Do):?\*`)
	for title, text := range sections {
		if !slices.Contains(alerts, title) {
			t.Errorf("the runbook has a section %s, and there is no such alert", title)
		}
		var said []string
		for _, m := range words.FindAllStringSubmatch(text, -1) {
			said = append(said, m[1])
		}
		if want := []string{"Means", "Affects", "Look at", "Do"}; !slices.Equal(said, want) {
			t.Errorf("the section %s says %q, want %q", title, said, want)
		}
	}
}
