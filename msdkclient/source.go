package msdkclient

import "embed"

// Source holds the files of this package that declare the calls with their requests and answers, for those who describe the
// calls in another form, such as package openapi: the words are in the comments.
//
//go:embed auth.go share.go relation.go profile.go
var Source embed.FS
