// Package catalog writes titles down.
package catalog

import "strings"

// Line is a title as a catalogue has it, its article last: "The Trial" is "Trial, The".
func Line(title string) string {
	for _, article := range []string{"The ", "A ", "An "} {
		if strings.HasPrefix(title, article) {
			return strings.TrimPrefix(title, article) + ", " + strings.TrimSpace(article)
		}
	}
	return title
}
