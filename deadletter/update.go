package deadletter

import (
	"context"
	"math"
	"slices"

	"github.com/itchyny/gojq"
)

// An update is a step of an expression that writes places of its input, and nothing else: .a = 1, .b |= f, .c += 1 and
// their like, del(.d), delpaths, setpath and map_values.
type update struct {
	step   expression
	paths  expression // of the places
	inside []update   // what becomes of each, where that is updates again
}

// updatesOf returns the steps of an expression as far as they are updates, and whether all of them are.
func updatesOf(q *gojq.Query, defs []*gojq.FuncDef) (steps []update, all bool) {
	defs = slices.Concat(defs, q.FuncDefs)
	switch {
	case q.Op == gojq.OpPipe && len(q.Patterns) == 0:
		if steps, all = updatesOf(q.Left, defs); !all {
			return steps, false
		}
		right, all := updatesOf(q.Right, defs)
		return append(steps, right...), all
	case isTerm(q, gojq.TermTypeQuery):
		return updatesOf(q.Term.Query, defs)
	}
	paths, inside := pathsOf(q)
	if paths == nil || isTerm(q, gojq.TermTypeFunc) && defines(defs, q.Term.Func.Name) {
		return nil, false
	}
	step := *q
	step.FuncDefs, paths.FuncDefs = defs, defs
	var u update
	var err error
	if u.step, err = compileQuery(&step); err != nil {
		return nil, false
	}
	if u.paths, err = compileQuery(paths); err != nil {
		return nil, false
	}
	if inside != nil {
		if steps, all := updatesOf(inside, defs); all {
			u.inside = steps
		}
	}
	return []update{u}, true
}

// defines tells whether an expression has given a name a meaning of its own.
func defines(defs []*gojq.FuncDef, name string) bool {
	return slices.ContainsFunc(defs, func(d *gojq.FuncDef) bool { return d.Name == name })
}

// pathsOf returns an expression for the paths of what q writes, and what it does to each of these if that is an expression
// of its own; nil: q is no update.
func pathsOf(q *gojq.Query) (paths, inside *gojq.Query) {
	switch {
	case q.Op == gojq.OpModify:
		return call("path", q.Left), q.Right
	case q.Op == gojq.OpAssign, q.Op >= gojq.OpUpdateAdd && q.Op <= gojq.OpUpdateAlt:
		return call("path", q.Left), nil
	case !isTerm(q, gojq.TermTypeFunc):
		return nil, nil
	}
	each := &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeIdentity, SuffixList: []*gojq.Suffix{{Iter: true}}}}
	switch f := q.Term.Func; {
	case f.Name == "del" && len(f.Args) == 1:
		return call("path", f.Args[0]), nil
	case f.Name == "delpaths" && len(f.Args) == 1:
		return &gojq.Query{Left: f.Args[0], Op: gojq.OpPipe, Right: each}, nil
	case f.Name == "setpath" && len(f.Args) == 2:
		return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeQuery, Query: f.Args[0]}}, nil
	case f.Name == "map_values" && len(f.Args) == 1:
		return call("path", each), f.Args[0]
	}
	return nil, nil
}

func isTerm(q *gojq.Query, kind gojq.TermType) bool {
	return q.Term != nil && q.Term.Type == kind && len(q.Term.SuffixList) == 0
}

func call(name string, arg *gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: []*gojq.Query{arg}}}}
}

// writtenBy returns the places of v that updates write. What stands somewhere else by then, since an update before has
// written what it is in, is none: which place of v was it?
func writtenBy(ctx context.Context, updates []update, v any) *places {
	w := writing{ctx, &places{}}
	w.follow(updates, nil, v, nil)
	return w.found
}

type writing struct {
	ctx   context.Context
	found *places
}

// moved are places in which nothing may be any more where it was.
type moved struct {
	places
	around *moved // of the updates that these are inside of
}

func (m *moved) covers(path []any) bool {
	return m != nil && (m.places.covers(path) || m.around.covers(path))
}

// follow finds what updates of v write, which is itself at a path, and returns the paths in which things have moved then.
func (w *writing) follow(updates []update, at []any, v any, around *moved) (paths [][]any) {
	here := &moved{around: around}
	for i := range updates {
		u := &updates[i]
		results, err := u.paths.run(w.ctx, v, math.MaxInt)
		if err != nil {
			return paths
		}
		var touched [][]any
		for _, result := range results {
			path, _ := result.([]any)
			whole := slices.Concat(at, path)
			if u.inside != nil {
				touched = append(touched, w.follow(u.inside, whole, inValue(v, path), here)...)
				continue
			}
			if !here.covers(whole) {
				w.found.add(whole)
			}
			touched = append(touched, whole)
		}
		for _, path := range touched {
			here.add(objectPath(path))
		}
		paths = append(paths, touched...)
		if i+1 == len(updates) {
			break
		}
		after, err := u.step.run(w.ctx, v, 2)
		if err != nil || len(after) != 1 {
			return paths
		}
		v = after[0]
	}
	return paths
}

// objectPath is as much of a path as leads through objects: what is written in an array may move all of it.
func objectPath(path []any) []any {
	for i, key := range path {
		if _, ok := key.(string); !ok {
			return path[:i]
		}
	}
	return path
}

// inValue returns what a path leads to, or nil.
func inValue(v any, path []any) any {
	for _, key := range path {
		switch in := v.(type) {
		case map[string]any:
			name, _ := key.(string)
			v = in[name]
		case []any:
			i, ok := key.(int)
			if !ok || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}
