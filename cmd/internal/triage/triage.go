// Package triage finds out about dead letters what people want to know of them: how many there are, what changed and
// when, what they have in common, whose they are, and which can be replayed. The deadletter commands use it.
//
// What is found out is data ([Stats], [Wave], [Plan]), with JSON tags; package view shows it on a terminal. Counting takes
// constant memory however many letters there are, and says where it had to become approximate.
//
// What it says in words of a record, such as why one cannot be replayed or the String of a [Cause], has what does not
// print made visible; the fields of its data are as the letter has them. The package reads no topic and writes none.
package triage
