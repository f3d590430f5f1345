package shelf

import (
	"reflect"
	"testing"
)

func filled(titles ...string) *Shelf {
	s := &Shelf{}
	for _, title := range titles {
		s.Put(title)
	}
	return s
}

func TestPutSorts(t *testing.T) {
	want := []string{"Emma", "Persuasion"}
	if got := filled("Persuasion", "Emma").Titles(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTitlesAreCopied(t *testing.T) {
	s := filled("Emma")
	s.Titles()[0] = "changed"
	if got := s.Titles()[0]; got != "Emma" {
		t.Errorf("got %v, want %v", got, "Emma")
	}
}
