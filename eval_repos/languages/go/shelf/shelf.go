// Package shelf keeps books in the order of their titles.
package shelf

import "sort"

// A Shelf holds each title once.
type Shelf struct {
	titles []string
}

// Put adds a title, at its place.
func (s *Shelf) Put(title string) {
	at := sort.SearchStrings(s.titles, title)
	s.titles = append(s.titles, "")
	copy(s.titles[at+1:], s.titles[at:])
	s.titles[at] = title
}

// Titles are all there are, sorted.
func (s *Shelf) Titles() []string {
	return append([]string(nil), s.titles...)
}
