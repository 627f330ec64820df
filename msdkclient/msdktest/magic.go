package msdktest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/battlereport/battlereport/msdkclient"
)

// magicPrefix begins an openid that asks for an answer; see the package comment.
const magicPrefix = "code_"

// magic is the answer that an openid of the call asks for.
func (r *Request) magic() Answer {
	for i := range r.Reports {
		if a := r.magicAnswer(r.Reports[i].OpenID); a != (Answer{}) {
			return a
		}
	}
	for _, openid := range append([]string{r.OpenID, r.owner}, r.users...) {
		if a := r.magicAnswer(openid); a != (Answer{}) {
			return a
		}
	}
	return Answer{}
}

func (r *Request) magicAnswer(openid string) Answer {
	rest, found := strings.CutPrefix(openid, magicPrefix)
	if !found {
		return Answer{}
	}
	word, _, _ := strings.Cut(rest, "_")
	digits := strings.TrimLeft(word, "abcdefghijklmnopqrstuvwxyz")
	layer := strings.TrimSuffix(word, digits)
	code, err := strconv.Atoi(digits)
	if err != nil || code == 0 {
		return Answer{} // success is what it gets anyway
	}
	cause := "the openid " + clip(openid) + " asks for it"
	if layer == "http" {
		if code = max(code, -code); http.StatusText(code) == "" || code <= http.StatusOK || code == http.StatusNoContent || code == http.StatusNotModified {
			return Answer{} // none that could be sent with a body
		}
		return Answer{HTTP: code, cause: cause}
	}
	m := meaning(layer, code)
	words := "failure"
	if m.Text != "" {
		words = m.Text
	}
	a := refuse(code, words, cause)
	a.errType = errType(r.call, m)
	switch m.Layer {
	case "wechat":
		a.Ret = -20000
	case "qq", "gamecenter":
		a.Ret = -10000
	default:
		return a
	}
	a.Msg = fmt.Sprintf("%d,%s", code, a.Msg)
	return a
}

// meaning is what the code means in that layer, or in the first that has it if none is named. A code that nobody knows is
// of the layer named, if any.
func meaning(layer string, code int) msdkclient.Meaning {
	for _, m := range msdkclient.Explain(code) {
		if layer == "" || layer == m.Layer || layer == "qq" && m.Layer == "gamecenter" {
			return m
		}
	}
	return msdkclient.Meaning{Layer: layer, Code: code}
}
