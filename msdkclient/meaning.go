package msdkclient

import "slices"

// Meaning is what one layer of the platform means by a code.
type Meaning struct {
	// Layer is access, which checks the call, logic, which carries it out, or what stands behind them: wechat, qq
	// (mobile QQ) or gamecenter (that of mobile QQ).
	Layer     string
	Code      int
	Class     Class    // in a call that carries no user's token, as reports are
	UserClass Class    // in a call that does, see [Call]
	Handling  Handling // as documented; [Error.Handling] has it by call
	Text      string   // a line for people
}

// The layers. The first two share the field ret and no number. The codes of the others stand at the head of msg, those of
// WeChat behind one ret and those of mobile QQ and its game center, which share no number, behind another.
const (
	layerAccess     = "access"
	layerLogic      = "logic"
	layerWeChat     = "wechat"
	layerQQ         = "qq"
	layerGameCenter = "gamecenter"
)

// The two codes that pass an error of the platform behind MSDK on. They are Retry where that one's code is unknown.
const (
	retQQ     = -10000
	retWeChat = -20000
)

// RetOneUser is the answer that one user's requests come too often; the platform takes one a second (MSDK FAQ). It says
// nothing of the app's other users.
const RetOneUser = -503

func passesOn(ret int) bool {
	return ret == retQQ || ret == retWeChat
}

// Codes returns all codes that are documented, by layer.
func Codes() []Meaning { return slices.Clone(codes) }

// Explain returns all that a number means, a layer after the other. It is empty if no layer has the code; then the verdict
// on a call is by err_type, or by the range: from -1999 to -1000 it is Record, and else Retry.
func Explain(code int) []Meaning {
	var all []Meaning
	for _, m := range codes {
		if m.Code == code {
			all = append(all, m)
		}
	}
	return all
}

var (
	retCodes    = codesOf(layerAccess, layerLogic)
	weChatCodes = codesOf(layerWeChat)
	qqCodes     = codesOf(layerQQ, layerGameCenter)
)

func codesOf(layers ...string) map[int]Meaning {
	of := map[int]Meaning{}
	for _, m := range codes {
		if slices.Contains(layers, m.Layer) {
			of[m.Code] = m
		}
	}
	return of
}

// meaningOf is what the tables say of a ret and of the code that it passes on, which comes first.
func meaningOf(ret, inner int) (m Meaning, known bool) {
	if m, known = innerCode(ret, inner); !known {
		m, known = retCodes[ret]
	}
	return m, known
}

// innerCode is what the tables say of the code that ret passes on. Each platform has its own numbers, and -1 means one
// thing here and another there; a number that only the other one has means what it means there.
func innerCode(ret, inner int) (m Meaning, known bool) {
	first, second := qqCodes, weChatCodes
	switch ret {
	case retQQ:
	case retWeChat:
		first, second = second, first
	default:
		return Meaning{}, false
	}
	if m, known = first[inner]; !known {
		m, known = second[inner]
	}
	return m, known
}

// class is the meaning's in a call that carries a user's token, or in one that does not.
func (m Meaning) class(userToken bool) Class {
	if userToken {
		return m.UserClass
	}
	return m.Class
}

// leads reports whether the meaning lies in a code that is not known.
func (m Meaning) leads() bool { return m.Handling == HandlingSeeMsg }
