//! [`numbered_enum`]: enums whose values compiled code knows by number.

/// Defines an enum and `ALL`, the array of its values in the order of their numbers.
macro_rules! numbered_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident { $($(#[$documentation:meta])* $value:ident,)* }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(usize)]
        $visibility enum $name {
            $($(#[$documentation])* $value,)*
        }

        impl $name {
            /// All values, in the order of their numbers.
            pub const ALL: [$name; [$($name::$value),*].len()] = [$($name::$value),*];
        }
    };
}

pub(super) use numbered_enum;
