package shelf

import "testing"

func TestTake(t *testing.T) {
	for _, c := range []struct {
		name, title string
		want        bool
		left        int
	}{
		{"one that is there", "Emma", true, 1},
		{"one that is not", "Ulysses", false, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := filled("Emma", "Persuasion")
			if got := s.Take(c.title); got != c.want {
				t.Errorf("Take(%q): got %v, want %v", c.title, got, c.want)
			}
			if got := len(s.Titles()); got != c.left {
				t.Errorf("titles left: got %d, want %d", got, c.left)
			}
		})
	}
}
