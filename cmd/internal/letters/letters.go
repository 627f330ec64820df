// Package letters makes dead letters understandable: it counts them, finds what changed and when, and shows them to a
// person. The commands and the console share it.
//
// What is found out is data first ([Stats], [Wave]), with JSON tags, and rendered apart from that, at a width and a time
// that the caller gives. Counting takes constant memory however many letters there are, and says where it had to become
// approximate.
//
// Whatever comes from a record is shown with control characters, and those that turn text around, made visible: nothing
// in a record can steer a terminal. The package reads no topic and writes none.
package letters
