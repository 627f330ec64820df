package deadletter

// places are parts of a value, by their keys and indices. A nil places has none.
type places struct {
	here  bool
	below map[any]*places // by string or int
}

// at returns those below a key or an index.
func (p *places) at(key any) *places {
	if p == nil {
		return nil
	}
	return p.below[key]
}

// named tells whether the value itself is one.
func (p *places) named() bool { return p != nil && p.here }

// nothingIn tells whether no value is written: not v itself, where it is no object or array, nor one below.
func (p *places) nothingIn(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return p == nil || len(p.below) == 0
	}
	return !p.named()
}

// add adds the place that a path of jq's leads to. One that has no key and no index, such as a slice, is left out.
func (p *places) add(path []any) {
	for _, key := range path {
		switch key.(type) {
		case string, int:
		default:
			return
		}
		if p.below == nil {
			p.below = map[any]*places{}
		}
		if p.below[key] == nil {
			p.below[key] = &places{}
		}
		p = p.below[key]
	}
	p.here = true
}

// covers tells whether a path leads to a place or into one.
func (p *places) covers(path []any) bool {
	for _, key := range path {
		if p == nil || p.here {
			break
		}
		switch key.(type) {
		case string, int:
			p = p.below[key]
		default:
			return false
		}
	}
	return p.named()
}
