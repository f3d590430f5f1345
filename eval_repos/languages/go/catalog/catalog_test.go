package catalog

import "testing"

func TestLine(t *testing.T) {
	for title, want := range map[string]string{"The Trial": "Trial, The", "Emma": "Emma"} {
		if got := Line(title); got != want {
			t.Errorf("Line(%q) = %q, want %q", title, got, want)
		}
	}
}
