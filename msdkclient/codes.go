package msdkclient

// code is one answer code: what to do about it and, for a person, what it says.
type code struct {
	class   Class
	meaning string
}

// The two codes that pass an error of the platform behind MSDK on.
const (
	retQQ     = -10000
	retWeChat = -20000
)

func passesOn(ret int) bool {
	return ret == retQQ || ret == retWeChat
}

func meaning(ret, inner int) string {
	if c, ok := innerCodes[inner]; ok && passesOn(ret) {
		return c.meaning
	}
	return retCodes[ret].meaning
}

// retCodes are the values of ret (MSDK interface document, chapter 5). The access layer, which checks the call, and the
// logic layer, which carries it out, share the field and no number. Whatever the document calls internal, system or
// unspecified is Retry.
var retCodes = map[int]code{
	0:    {accepted, "success"},
	-101: {Retry, "the access layer could not parse the HTTP answer, or an internal error of the logic layer"},
	-107: {AppClass, "caller's IP is not on the whitelist"},
	-303: {AppClass, "the appid has no permission for this interface"},
	-304: {Endpoint, "the body is not JSON"},
	-306: {Retry, "timeout or broken link to the platform"},
	-307: {Retry, "internal error"},
	-308: {Retry, "internal error, timeout or broken link to the platform"},
	-309: {Retry, "internal error, timeout or broken link to the platform"},
	-310: {Retry, "internal error"},
	-311: {Endpoint, "no such command in the logic layer"},
	-312: {Retry, "internal error"},
	-402: {Record, "feedback parameters missing"},
	-501: {Endpoint, "empty body"},
	-502: {AppClass, "wrong signature"},
	-503: {Throttle, "one user's requests come too often"},
	-504: {AppClass, "appid missing in the URL or unknown"},
	-505: {Endpoint, "no such interface"},
	-506: {Endpoint, "URL parameters missing"},
	-507: {Retry, "internal error"},
	-601: {Retry, "internal error"},
	-701: {Retry, "internal error"},
	-702: {Retry, "internal error"},
	-801: {Retry, "feedback error"},
	-901: {Endpoint, "guest mode may not call this interface"},

	1:         {accepted, "empty result"},
	-102:      {Retry, "internal error"},
	-103:      {Retry, "internal error"},
	-104:      {Retry, "internal error"},
	-105:      {Retry, "internal error"},
	-106:      {Retry, "internal error"},
	-109:      {AppClass, "guest mode failed"},
	-110:      {AppClass, "guest mode verification failed"},
	-1011:     {Record, "a parameter is empty or of the wrong type"},
	-2001:     {Retry, "internal error"},
	-2002:     {Retry, "internal error"},
	-2003:     {Endpoint, "no such command"},
	-2004:     {Retry, "bad answer from the platform"},
	-2005:     {Retry, "empty answer from the platform"},
	-2006:     {Retry, "unreadable answer from the platform"},
	-2007:     {Retry, "null answer from the platform"},
	-2008:     {Retry, "internal error"},
	-2009:     {Retry, "internal error"},
	-2010:     {AppClass, "the app is not configured on the platform"},
	retQQ:     {Retry, "mobile QQ error"},
	-10001:    {Record, "illegal QQ number"},
	-10002:    {Record, "illegal openid"},
	-10003:    {AppClass, "wrong login mode"},
	-10005:    {Retry, "internal exception"},
	-10013:    {AppClass, "permission not configured"},
	retWeChat: {Retry, "WeChat error"},
	-20001:    {Record, "illegal number"},
	-20002:    {Record, "illegal openid"},
	-20003:    {AppClass, "wrong login mode"},
	-20004:    {AppClass, "illegal appid"},
	-20005:    {Retry, "internal exception"},
}

// innerCodes are the codes that retQQ and retWeChat pass on: WeChat's, the only ones the document lists. An unlisted
// one is Retry, like the ret that passes it on.
var innerCodes = map[int]code{
	-1:    {Retry, "system error"},
	40001: {AppClass, "invalid credential"},
	40002: {AppClass, "invalid grant_type"},
	40003: {Record, "invalid openid"},
	40007: {Record, "invalid media_id"},
	40008: {Record, "invalid message type"},
	40013: {AppClass, "invalid appid"},
	40029: {Record, "invalid code"},
	40031: {Record, "invalid openid list"},
	40032: {Record, "invalid refresh_token"},
	40036: {Record, "invalid template_id size"},
	40037: {Record, "invalid template_id"},
	41001: {Record, "access_token missing"},
	41002: {AppClass, "appid missing"},
	41003: {Record, "refresh_token missing"},
	41004: {AppClass, "appsecret missing"},
	41008: {Record, "code missing"},
	41009: {Record, "openid missing"},
	42001: {Record, "access_token expired"},
	42003: {Record, "code expired"},
	42004: {Record, "refresh_token expired"},
	43003: {Endpoint, "https required"},
	43004: {Record, "user must subscribe"},
	43005: {Record, "users are not friends"},
	44002: {Endpoint, "empty post data"},
	45009: {Throttle, "call frequency out of limit"},
	45011: {Throttle, "call limit"},
	45013: {Record, "too many template arguments"},
	45014: {Record, "template message too large"},
	47001: {Record, "data format error"},
	48001: {AppClass, "interface not authorised"},
}
