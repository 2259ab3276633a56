-- What a text is found by. The same function makes the keys of entries and of questions.

-- Chinese numerals as digits: '十二' is 12, '一百零三' 103, '二〇三' 203.
CREATE OR REPLACE FUNCTION gis.chinese_number(p_text text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_digits text := translate(p_text, '〇零一二两三四五六七八九', '001223456789');
  v_total integer := 0;
  v_digit integer := 0;
  v_char text;
BEGIN
  IF v_digits ~ '^[0-9]+$' THEN RETURN v_digits; END IF;
  FOREACH v_char IN ARRAY string_to_array(v_digits, NULL) LOOP
    CASE v_char
      WHEN '百' THEN v_total := v_total + greatest(v_digit, 1) * 100; v_digit := 0;
      WHEN '十' THEN v_total := v_total + greatest(v_digit, 1) * 10; v_digit := 0;
      ELSE v_digit := v_char::integer;
    END CASE;
  END LOOP;
  RETURN (v_total + v_digit)::text;
END $$;

-- An address in one way of writing: '三号楼', '3栋' and '3#楼' are '3号楼', '8号院3-2-501' is '8号院3号楼2单元501'.
CREATE OR REPLACE FUNCTION gis.plain_address(p_text text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_text text := p_text;
  v_found text[];
BEGIN
  LOOP
    v_found := regexp_match(v_text, '([〇零一二两三四五六七八九十百]{1,7})(号|单元|层|室|栋|幢|座|弄|门(?=$|[0-9〇零一二两三四五六七八九十]))');
    EXIT WHEN v_found IS NULL;
    v_text := regexp_replace(v_text, v_found[1] || '(?=' || v_found[2] || ')', gis.chinese_number(v_found[1]));
  END LOOP;
  v_text := regexp_replace(v_text, '([0-9a-z])(?:#楼|栋楼|幢楼|栋|幢|#)', '\1号楼', 'g');
  v_text := regexp_replace(v_text, '(号院?)([0-9]{1,3})-([0-9]{1,2})-([0-9]{1,5})$', '\1\2号楼\3单元\4');
  RETURN regexp_replace(v_text, '([0-9])室$', '\1');
END $$;

-- Grams that say where an entry lies, so that a reader of little need not wade through the finds of others.
CREATE OR REPLACE FUNCTION gis.field_gram(p_layer text, p_field text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT (x'DC00'::integer << 16) | (hashtext(p_layer || '.' || p_field) & 16777215)
$$;

CREATE OR REPLACE FUNCTION gis.district_gram(p_district text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT (x'DD00'::integer << 16) | (hashtext(p_district) & 16777215)
$$;

-- The keys of texts: (n, norm, initials, grams), n counting from 1.
--
-- `norm` is NFKC (full width becomes half width), lower case, without blanks, addresses in one way of writing.
-- Grams are numbers whose upper half says what they are. Code points that no text has (surrogates) mark what is not a pair:
--   any          two neighbouring characters, unless both are Latin letters
--   D800 + 21    three neighbouring initials (7 bits each), in each of their readings
--   D900 + 21    three neighbouring Latin letters
--   DA00 + 14    the first two initials of a name
--   DC00, DD00   the layer and field, the district (24 bits of a hash)
CREATE OR REPLACE FUNCTION gis.search_keys(p_texts text[], p_kinds text[])
RETURNS TABLE (n bigint, norm text, initials text, grams integer[]) LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_pinyin smallint[] := (SELECT p.initials FROM gis.pinyin p);
BEGIN
  RETURN QUERY
  SELECT t.n, left(norms.norm, 200), CASE WHEN chinese.is_so THEN letters.initials END,
         CASE WHEN t.kind <> 'code' THEN ARRAY(
           SELECT (cps[k] << 16) | (cps[k + 1] & 65535) FROM generate_series(1, cardinality(cps) - 1) k
           WHERE cps[k] NOT BETWEEN 97 AND 122 OR cps[k + 1] NOT BETWEEN 97 AND 122
           UNION ALL
           SELECT (x'D900'::integer << 16) | (cps[k] << 14) | (cps[k + 1] << 7) | cps[k + 2]
           FROM generate_series(1, cardinality(cps) - 2) k
           WHERE cps[k] BETWEEN 97 AND 122 AND cps[k + 1] BETWEEN 97 AND 122 AND cps[k + 2] BETWEEN 97 AND 122
           UNION ALL
           SELECT (x'D800'::integer << 16) | ((ics[k] & 127) << 14) | ((ics[k + 1] & 127) << 7) | (ics[k + 2] & 127)
           FROM generate_series(1, cardinality(ics) - 2) k WHERE chinese.is_so
           UNION ALL
           SELECT (x'D800'::integer << 16) | (a << 14) | (b << 7) | c
           FROM generate_series(1, cardinality(ics) - 2) k,
                unnest(ARRAY[ics[k] & 127, ics[k] >> 7]) a, unnest(ARRAY[ics[k + 1] & 127, ics[k + 1] >> 7]) b,
                unnest(ARRAY[ics[k + 2] & 127, ics[k + 2] >> 7]) c
           WHERE chinese.is_so AND 128 <= ANY (ics) AND a > 0 AND b > 0 AND c > 0
             AND greatest(ics[k], ics[k + 1], ics[k + 2]) >= 128
           UNION ALL
           SELECT (x'DA00'::integer << 16) | (a << 7) | b
           FROM unnest(ARRAY[ics[1] & 127, ics[1] >> 7]) a, unnest(ARRAY[ics[2] & 127, ics[2] >> 7]) b
           WHERE chinese.is_so AND t.kind = 'name' AND a > 0 AND b > 0) END
  FROM unnest(p_texts, p_kinds) WITH ORDINALITY AS t (text, kind, n),
  LATERAL (SELECT translate(lower(normalize(t.text, NFKC)), E' \t\n\r·•,', '') AS plain OFFSET 0) plains,
  LATERAL (SELECT CASE WHEN t.kind <> 'code' AND plain ~ '[〇零一二两三四五六七八九十百栋幢#室]|号院?[0-9]+-'
                       THEN gis.plain_address(plain) ELSE plain END AS norm OFFSET 0) norms,
  LATERAL (SELECT CASE WHEN t.kind <> 'code' THEN ARRAY(
             SELECT ascii(c) FROM unnest(string_to_array(left(norms.norm, 200), NULL)) c) END AS cps OFFSET 0) points,
  LATERAL (SELECT coalesce(19968 <= ANY (cps) AND v_pinyin IS NOT NULL, false) AS is_so OFFSET 0) chinese,
  LATERAL (SELECT CASE WHEN chinese.is_so THEN ARRAY(
             SELECT i FROM (SELECT CASE WHEN cp BETWEEN 19968 AND 40959 THEN v_pinyin[cp - 19967]::integer
                                        WHEN cp BETWEEN 97 AND 122 OR cp BETWEEN 48 AND 57 THEN cp ELSE 0 END AS i
                            FROM unnest(cps) cp) x WHERE i > 0) END AS ics OFFSET 0) codes,
  LATERAL (SELECT CASE WHEN chinese.is_so THEN array_to_string(ARRAY(SELECT chr(i & 127) FROM unnest(ics) i), '') END AS initials OFFSET 0) letters;
END $$;
