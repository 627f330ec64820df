package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError adds to an error of flags what was perhaps meant. A wrong word before the flag comes first: the flag may be
// one of the command that was meant.
func flagError(cmd *cobra.Command, err error) error {
	if before := cmd.Flags().Args(); len(before) > 0 { // what comes after the flag has not been read
		if err := cmd.ValidateArgs(before); err != nil {
			return err
		}
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && len(unknown.GetSpecifiedName()) > 1 {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		err = fmt.Errorf("%w%s", err, suggestion("--", alike(unknown.GetSpecifiedName(), names)))
	}
	if invalid := new(pflag.InvalidValueError); errors.As(err, &invalid) {
		err = fmt.Errorf("--%s %q: %s", invalid.GetFlag().Name, invalid.GetValue(), wanted(invalid))
	}
	return Usage(cmd, err)
}

// wanted says what a flag takes. Flags of our own types say so themselves; what the others say is of Go's parsers.
func wanted(invalid *pflag.InvalidValueError) string {
	tooLarge := errors.Is(invalid, strconv.ErrRange)
	switch kind := invalid.GetFlag().Value.Type(); kind {
	case "bool":
		return "want true or false"
	case "int", "int64":
		if tooLarge {
			return "want a whole number of at most 18 digits"
		}
		return "want a whole number"
	case "int32":
		if tooLarge {
			return fmt.Sprintf("want a whole number up to %d", math.MaxInt32)
		}
		return "want a whole number"
	case "uint64":
		if tooLarge {
			return "want a whole number of at most 19 digits"
		}
		return "want a whole number, 0 or more"
	case "float64":
		if tooLarge {
			return fmt.Sprintf("want a number up to %g", math.MaxFloat64)
		}
		return "want a number"
	case "duration":
		return "want a duration such as 50ms"
	case "stringSlice":
		return "want values separated by commas; one with a comma or a quotation mark in it stands in quotation marks, which are doubled in it"
	default:
		return invalid.Unwrap().Error()
	}
}
