use super::{parse, verify};

/// `fib`, as the passes leave it.
const FIB: &str = r#"k0 = pin "fib" arity 1 worker(nat) -> nat entry f0

general f0(v0: any) -> whnf {
  v1: whnf = force v0
  v2: nat = tonat v1
  v3: nat = call f1(v2)
  return v3
}

worker f1(v0: nat) -> nat {
  v1: bit = lt v0, 2
  if v1 {
    return v0
  } else {
    v2: nat = dec v0
    v3: nat = call f1(v2)
    v4: nat = sub v0, 2
    v5: nat = call f1(v4)
    v6: nat = add v3, v5
    return v6
  }
}
"#;

/// One of each construct of the text form.
const ALL: &str = r#"k0 = law "a \"b\"" arity 2 entry f0
k1 = pin "_X" arity 3 jet(lazy, head, normal) -> nat
k2 = nat "" arity 1
k3 = app "t" arity 9 worker(small, any) -> nat, any of k1(k2, 5)
k4 = nat "" arity 1 is 9223372036854775808

general f0(v0: any, v1: any) -> whnf {
  rec { v2: any = thunk f1(v3) | v3: whnf = partial k0(v2) }
  v4: any = delay v0(v1, k2)
  v5: whnf = row(v4, 7)
  v6: whnf = normalise v4
  v7: whnf = apply v4(v0)
  v8: nat = call jet k1(v0, v7, v6)
  v9: nat, v10: any = call worker k3(3, v1)
  join j0(v11: whnf) {
    tail call k1(v11, v5, 0)
  }
  loop j1(v12: nat) {
    switch v12 {
      0 {
        jump j0(v8)
      }
      9 {
        crash 5, v0
      }
      else {
        jump j1(v9)
      }
    }
  }
  reflect v6 {
    pin(v13: whnf) {
      enter v10
    }
    law(v14: nat, v15: nat, v16: whnf) {
      jump j1(v14)
    }
    app(v17: whnf, v18: any) {
      tail apply v17(v18)
    }
    nat(v19: nat) {
      return v19
    }
  }
}

thunk f1(v0: whnf) -> whnf {
  tail call f0(v0, 1)
}
"#;

#[test]
fn printed_units_parse_to_the_same_text() {
    for text in [FIB, ALL] {
        let unit = parse(text).expect("the text is a unit");
        verify(&unit).expect("the unit is valid");
        assert_eq!(unit.to_string(), text);
    }
}

/// The verifier's error for a general entry of one argument with this body.
fn complaint(body: &str) -> String {
    let text = format!("k0 = law \"l\" arity 1 entry f0\ngeneral f0(v0: any) -> whnf {{ {body} }}");
    let unit = parse(&text).expect("the text is a unit");
    verify(&unit).expect_err("the unit is invalid").what
}

#[test]
fn the_verifier_rejects_invalid_units() {
    assert_eq!(complaint("return v0"), "v0 is any, not whnf");
    assert_eq!(complaint("enter v7"), "v7 is not in scope");
    assert_eq!(complaint("v0: any = force 3 return 3"), "v0 is defined twice");
    assert_eq!(complaint("v1: nat = force v0 return v1"), "force v0: v1 is nat, the result whnf");
    assert_eq!(complaint("v1: nat = add 1, v0 return v1"), "add 1, v0: v0 is any, not whnf");
    assert_eq!(complaint("tail call k0(1, 2)"), "tail call k0(1, 2): expected 1 arguments");
    assert_eq!(complaint("jump j0()"), "j0 is not in scope");
    assert_eq!(complaint("join j0() { jump j0() } jump j0()"), "j0 is not in scope");
    let branch = "if 1 { v1: nat = inc 1 return v1 } else { return v1 }";
    assert_eq!(complaint(branch), "v1 is not in scope");
    assert_eq!(
        complaint("switch 3 { 2 { return 2 } 1 { return 1 } else { return 0 } }"),
        "switch: cases out of order"
    );
}

#[test]
fn the_parser_rejects_invalid_text() {
    let what = |text: &str| parse(text).expect_err("bad text").to_string();
    assert_eq!(what("k0 = law \"l\" arity\n;c\n x"), "line 3: expected a nat, found `x`");
    assert_eq!(what("k1 = law \"l\" arity 1"), "line 1: index 1 is out of order, expected 0");
    assert_eq!(what("k0 = law \"l"), "line 1: a string has no closing quote");
    assert_eq!(
        what("k0 = law \"l\" arity 18446744073709551616"),
        "line 1: 18446744073709551616 is too large"
    );
    assert_eq!(
        what("worker f0() -> nat { return 9223372036854775808 }"),
        "line 1: 9223372036854775808 is too large"
    );
    let deep = format!("worker f0() -> nat {}", "{ if 1 ".repeat(100_000));
    assert!(what(&deep).contains("nested deeper"));
    assert!(what("worker f0() -> nat { v99999999: nat = inc 1 }").contains("found `v99999999`"));
}
