package config

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// extension begins the keys at the top that are the user's own, mostly for anchors. They are not looked into.
const extension = "x-"

// gather puts the values of a mapping's keys into given, and then those of the mappings that it merges, where there is
// none yet: a key of its own goes before a merged one, and of two merged the earlier. It returns false if there is a merge
// that cannot be followed. No mapping is merged twice, as that changes nothing: so anchors that lead in circles, or to ever
// more of each other, take no longer than there is text.
func (r *reader) gather(n *yaml.Node, path string, fields []field, given map[string]*yaml.Node, merged map[*yaml.Node]bool) (whole bool) {
	merged[n] = true
	whole = true
	keys := keysOf(fields)
	lines := map[string]int{}
	var others []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), resolve(n.Content[i+1])
		at := join(path, key.Value)
		known := key.Kind == yaml.ScalarNode && slices.Contains(keys, key.Value)
		ours := path != "" || !strings.HasPrefix(key.Value, extension)
		if ours && !known && !isMerge(key) {
			r.unknown(key, path, keys)
			continue
		}
		if first, twice := lines[key.Value]; twice {
			r.fault(key.Line, at, "given twice", "one; the first is on line "+strconv.Itoa(first))
			continue
		}
		lines[key.Value] = key.Line
		switch {
		case isMerge(key):
			others, whole = r.mergedBy(n.Content[i+1], at)
		case given[key.Value] == nil:
			given[key.Value] = value
		}
	}
	for _, other := range others {
		if !merged[other] {
			whole = r.gather(other, path, fields, given, merged) && whole
		}
	}
	return whole
}

func isMerge(key *yaml.Node) bool { return key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" }

// mergedBy returns the mappings that the value of << stands for.
func (r *reader) mergedBy(value *yaml.Node, path string) (mappings []*yaml.Node, whole bool) {
	each := []*yaml.Node{value}
	if list := resolve(value); list.Kind == yaml.SequenceNode && len(list.Content) > 0 {
		each = list.Content
	}
	for _, m := range each {
		mapping := resolve(m)
		if mapping.Kind != yaml.MappingNode {
			r.fault(m.Line, path, kind(mapping), "a mapping to merge, as *name of one that is marked &name, or a list of such")
			return nil, false
		}
		mappings = append(mappings, mapping)
	}
	return mappings, true
}

// unknown refuses a key, and does not show it where it may be the rest of a secret.
func (r *reader) unknown(key *yaml.Node, path string, keys []string) {
	at, want := join(path, key.Value), "one of "+strings.Join(keys, ", ")
	column, behind := r.secrets[key.Line]
	if near := nearest(key.Value, keys); near != "" {
		want = near
	} else if behind && key.Column > column {
		at, want = strings.TrimPrefix(path+"."+redacted, "."), want+"; or quotes around the secret before it, if this is a part of that"
	}
	r.fault(key.Line, at, "unknown key", want)
}

// secretsIn finds on which lines there is a key of a secret, or one like it, and the column of the first. What follows
// there as a key may be a part of the secret: a comma or a brace ends a value in { }.
func secretsIn(n *yaml.Node, secrets []string) map[int]int {
	columns := map[int]int{}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for i, child := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 0 && nearest(child.Value, secrets) != "" {
				if first, ok := columns[child.Line]; !ok || child.Column < first {
					columns[child.Line] = child.Column
				}
			}
			walk(child)
		}
	}
	walk(n)
	return columns
}

// secretKeys are the keys of secrets, at whatever depth.
func secretKeys(fields []field) (keys []string) {
	for _, f := range fields {
		switch {
		case f.group != nil:
			keys = append(keys, secretKeys(f.group)...)
		case f.list != nil:
			keys = append(keys, secretKeys([]field{f.list.elem})...)
		case f.scalar.secret:
			keys = append(keys, f.key)
		}
	}
	return keys
}

func keysOf(fields []field) []string {
	var keys []string
	for _, f := range fields {
		keys = append(keys, f.key)
		if f.file != nil {
			keys = append(keys, fileKey(f))
		}
	}
	return keys
}
