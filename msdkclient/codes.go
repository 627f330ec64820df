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

// RetOneUser is the answer that one user's requests come too often; the platform takes one a second (MSDK FAQ). It says
// nothing of the app's other users.
const RetOneUser = -503

func passesOn(ret int) bool {
	return ret == retQQ || ret == retWeChat
}

// innerCode is what the tables say of the code that ret passes on. Each platform has its own numbers, and -1 means one
// thing here and another there; a number that only the other one has means what it means there.
func innerCode(ret, inner int) (code, bool) {
	first, second := qqCodes, weChatCodes
	switch ret {
	case retQQ:
	case retWeChat:
		first, second = second, first
	default:
		return code{}, false
	}
	c, ok := first[inner]
	if !ok {
		c, ok = second[inner]
	}
	return c, ok
}

func meaning(ret, inner int) string {
	if c, ok := innerCode(ret, inner); ok {
		return c.meaning
	}
	return retCodes[ret].meaning
}

// retCodes are the values of ret (MSDK interface document, chapter 5). The access layer, which checks the call, and the
// logic layer, which carries it out, share the field and no number. Whatever the document calls internal, system or
// unspecified is Retry.
var retCodes = map[int]code{
	0:          {accepted, "success"},
	-101:       {Retry, "the access layer could not parse the HTTP answer, or an internal error of the logic layer"},
	-107:       {AppClass, "caller's IP is not on the whitelist"},
	-303:       {AppClass, "the appid has no permission for this interface"},
	-304:       {Endpoint, "the body is not JSON"},
	-306:       {Retry, "timeout or broken link to the platform"},
	-307:       {Retry, "internal error"},
	-308:       {Retry, "internal error, timeout or broken link to the platform"},
	-309:       {Retry, "internal error, timeout or broken link to the platform"},
	-310:       {Retry, "internal error"},
	-311:       {Endpoint, "no such command in the logic layer"},
	-312:       {Retry, "internal error"},
	-402:       {Record, "feedback parameters missing"},
	-501:       {Endpoint, "empty body"},
	-502:       {AppClass, "wrong signature"},
	RetOneUser: {Throttle, "one user's requests come too often"},
	-504:       {AppClass, "appid missing in the URL or unknown"},
	-505:       {Endpoint, "no such interface"},
	-506:       {Endpoint, "URL parameters missing"},
	-507:       {Retry, "internal error"},
	-601:       {Retry, "internal error"},
	-701:       {Retry, "internal error"},
	-702:       {Retry, "internal error"},
	-801:       {Retry, "feedback error"},
	-901:       {Endpoint, "guest mode may not call this interface"},

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
	-30001:    {Retry, "location could not be had"},
}

// weChatCodes are the codes that retWeChat passes on. Those about a token or a grant are AppClass: a report carries none
// of a user's, so that it is the app's own standing with WeChat that is broken. An unlisted code is Retry, like the ret
// that passes it on.
var weChatCodes = map[int]code{
	-1:    {Retry, "system error"},
	40001: {AppClass, "invalid credential"},
	40002: {AppClass, "invalid grant_type"},
	40003: {Record, "invalid openid"},
	40007: {Record, "invalid media_id"},
	40008: {Record, "invalid message type"},
	40013: {AppClass, "invalid appid"},
	40029: {AppClass, "invalid code"},
	40031: {Record, "invalid openid list"},
	40032: {AppClass, "invalid refresh_token"},
	40036: {Record, "invalid template_id size"},
	40037: {Record, "invalid template_id"},
	41001: {AppClass, "access_token missing"},
	41002: {AppClass, "appid missing"},
	41003: {AppClass, "refresh_token missing"},
	41004: {AppClass, "appsecret missing"},
	41008: {AppClass, "code missing"},
	41009: {Record, "openid missing"},
	42001: {AppClass, "access_token expired"},
	42003: {AppClass, "code expired"},
	42004: {AppClass, "refresh_token expired"},
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

// qqCodes are the codes that retQQ passes on, mobile QQ's and those of its game center, which share no number. The same
// holds of tokens, and of unlisted codes, as with weChatCodes.
var qqCodes = map[int]code{
	-1:     {Record, "invalid request parameters"},
	-2:     {AppClass, "appid does not exist"},
	-3:     {AppClass, "the app may not call this interface"},
	-4:     {AppClass, "the app's IP is not allowed"},
	-5:     {AppClass, "signature refused"},
	-6:     {Throttle, "the app's call frequency is exceeded"},
	-7:     {Endpoint, "wrong protocol, such as HTTP for HTTPS"},
	-8:     {AppClass, "restricted, usually by the security audit"},
	-9:     {Endpoint, "no such interface"},
	-10:    {AppClass, "internal IP not allowed"},
	-11:    {AppClass, "external IP not allowed"},
	-12:    {AppClass, "the test environment takes other accounts only"},
	-20:    {AppClass, "the user has not authorised this interface"},
	-21:    {AppClass, "access token revoked"},
	-22:    {Record, "illegal openid"},
	-23:    {AppClass, "illegal openkey"},
	-24:    {AppClass, "openid and openkey do not match"},
	-25:    {AppClass, "timestamp more than 10 minutes off"},
	-26:    {Retry, "nonce repeated"},
	-70:    {AppClass, "illegal appid"},
	-71:    {Record, "openid does not belong to the openkey"},
	-72:    {AppClass, "appkey does not belong to the appid"},
	-73:    {AppClass, "the user has changed the password"},
	100000: {Endpoint, "response_type missing or wrong"},
	100001: {Endpoint, "client_id missing"},
	100002: {Endpoint, "client_secret missing"},
	100003: {Endpoint, "authorization header missing"},
	100004: {Endpoint, "grant_type missing or wrong"},
	100005: {Endpoint, "code missing"},
	100006: {Endpoint, "refresh token missing"},
	100007: {Endpoint, "access token missing"},
	100008: {AppClass, "appid does not exist"},
	100009: {AppClass, "appkey is wrong"},
	100010: {Endpoint, "callback address is illegal"},
	100011: {AppClass, "the app is not online"},
	100012: {Endpoint, "not a POST"},
	100013: {AppClass, "access token is illegal"},
	100014: {AppClass, "access token expired"},
	100015: {AppClass, "access token was revoked by the user"},
	100016: {AppClass, "access token could not be verified"},
	100030: {Record, "the user has not authorised this interface, or is no friend"},

	-4000: {Retry, "no handler could be made"},
	-4002: {Retry, "sid unreadable"},
	-4003: {Retry, "time stamp not written"},
	-4005: {Retry, "service could not be made"},
	-4007: {Retry, "game friends not read"},
	-4014: {Retry, "no way to verify the user is configured"},
	-4016: {Retry, "signature refused"},
	-4018: {Retry, "service exception"},
	-4019: {Retry, "scores not read"},
	-4020: {Retry, "feeds not sent"},
	-4021: {Retry, "personal information not read"},
	-4023: {Retry, "feeds not read"},
	-4024: {Retry, "no game played recently"},
	-4025: {Retry, "recent games not read"},
	-4027: {Retry, "feeds not drawn"},
	-4001: {Record, "parameters missing"},
	-4004: {Record, "parameters missing"},
	-4006: {Record, "required parameters missing"},
	-4010: {Record, "number not found"},
	-4011: {Record, "openid not found"},
	-4012: {Record, "only scores above the last one are taken"},
	-4017: {Record, "openid does not exist"},
	-4022: {Record, "illegal parameters"},
	-4028: {Record, "JSON unreadable"},
	-4029: {Record, "challenge of the members was not begun"},
	-4030: {Record, "challenge of the game was not begun"},
	-4031: {Record, "begin must be before end"},
	-4033: {Record, "param missing or illegal"},
	-4034: {Record, "list missing or illegal"},
	-4035: {Record, "type or data missing or illegal"},
	-4036: {Record, "number not verified"},
	-4037: {Record, "expires is not an absolute time"},
	-4015: {AppClass, "no such URI for this app"},
	-4026: {AppClass, "the app is not configured"},
	-4032: {AppClass, "appid refused"},
	-4009: {Throttle, "frequency exceeded"},
	-4008: {AppClass, "access token not verified"},
	-4013: {AppClass, "skey not verified"},
}
